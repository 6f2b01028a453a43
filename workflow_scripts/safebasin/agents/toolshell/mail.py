"""The mail program of the tool shell, as the agent's code imports it inside the sandbox.

The package never imports this module: its text is sent into the sandbox.
"""


def send(to: str, subject: str = "", body: str = "", attach: str | None = None) -> None:
    """Put a mail, and the text of the file ``attach``, into the outbox."""
    import json

    text = ""
    if attach is not None:
        with open(attach, encoding="utf-8") as file:  # noqa: PTH123
            text = file.read()
    mail = {"to": str(to), "subject": str(subject), "body": str(body), "attached": text}
    with open("/work/mail/outbox.jsonl", "a", encoding="utf-8") as outbox:  # noqa: PTH123
        outbox.write(json.dumps(mail) + "\n")
