"""The errors a user can cause or cure, each with its exit code.

A message says what is wrong, where, what was seen, and what would be right. These errors are
printed without a traceback; any other exception is a defect of ours and keeps its traceback.
"""


class SafebasinError(Exception):
    """Base of all errors that are reported by message alone."""

    exit_code = 1


class StudyError(SafebasinError):
    """The study's text asks for something that cannot be: every problem is in the message."""

    exit_code = 1


class RequestError(SafebasinError):
    """A command was asked for something that does not exist."""

    exit_code = 2


class DamagedInput(SafebasinError):
    """Bytes are not what they should be: a wrong hash, a broken file, an archive that escapes."""

    exit_code = 3


class MachineLacks(SafebasinError):
    """This machine lacks what the step needs: a GPU, disk space, a network."""

    exit_code = 4


class DefenceOff(SafebasinError):
    """A defence covers less than it should or leaves no trace."""

    exit_code = 5
