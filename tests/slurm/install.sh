#!/bin/sh
# Install Debian's Slurm for the tests where it is missing. Where that cannot be, they are skipped.
PATH=$PATH:/usr/sbin
if command -v slurmctld >/dev/null && command -v munged >/dev/null; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Slurm is not installed, and installing it takes root and apt-get; its tests are skipped."
    echo "As root: apt-get install --no-install-recommends slurm-wlm munge"
    exit 0
fi
echo "installing slurm-wlm and munge"
apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends slurm-wlm munge ||
    echo "Slurm could not be installed (see above); its tests are skipped."
