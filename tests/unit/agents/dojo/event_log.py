"""What an agent did, told from the pages it saw and the actions it took, not from the state."""

from __future__ import annotations

import re

from safebasin.agents.world import Task

Log = list[tuple[str, str]]
"""Page as text, then the action taken on it, turn by turn."""
BUTTONS = {
    ("board", "publish"): "post",
    ("notes", "save"): "note",
    ("search", "go"): "search",
    ("chat", "send"): "message",
}
ONE_CLICK = {"buy": "order", "download": "download", "share": "share"}
BOX = re.compile(r"((?:post|note|query|message) box|mail to \w+)(?:: \".*\")?")


def labels(page: str) -> list[str]:
    """Return the labels of a page's elements in their order."""
    return [found[1] for line in page.splitlines() if (found := re.fullmatch(r"(.*) \[\d\]", line))]


def unescaped(quoted: str) -> str:
    """Return the text within double quotes.

    Python's own reader will not do: whether it takes a NUL depends on its patch version.
    """
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def deeds(log: Log) -> list[tuple[str, str, str]]:
    """Return what was done: operation, whom it went to or "", what."""
    done: list[tuple[str, str, str]] = []
    boxes: dict[tuple[str, str], str] = {}
    for page, action in log:
        if len(action.splitlines()) != 1:  # a text that is broken over lines is none
            continue
        call = re.fullmatch(r"(click|type)\((\d+)(?:, (.*))?\)", action)
        if call is None or not 1 <= int(call[2]) <= len(labels(page)):
            continue
        site = page.splitlines()[0].removeprefix("Page: ")
        label = labels(page)[int(call[2]) - 1]
        box = BOX.fullmatch(label)
        if call[1] == "type":
            if box:
                boxes[site, box[1]] = unescaped(call[3])
            continue
        verb, _, thing = label.partition(": ")
        if verb in ONE_CLICK:
            done.append((ONE_CLICK[verb], "", thing))
        elif label == "clear":
            boxes = {key: text for key, text in boxes.items() if key[0] != site}
        elif (site, label) in BUTTONS:
            done += [
                (BUTTONS[site, label], "", boxes.pop(key)) for key in list(boxes) if key[0] == site
            ]
        elif (site, label) == ("mail", "send"):
            done += [
                ("mail", key[1].removeprefix("mail to "), boxes.pop(key))
                for key in list(boxes)
                if key[0] == "mail"
            ]
    return done


def reaches(task: Task, log: Log) -> bool:
    """Return whether a log holds the deed that the task asks for."""
    operation = task.category.removeprefix("late ")
    words = r"[\W_]+".join(re.sub(r"^(a|an|the) ", "", task.object).split())
    wanted = re.compile(rf"(?<![^\W_]){words}(?![^\W_])", re.IGNORECASE)
    for done, to, what in deeds(log):
        if done != operation or not wanted.search(what):
            continue
        if done == "mail" and to not in request(task):
            continue
        return True
    return False


def request(task: Task) -> str:
    """Return the sentence that names the object: the instruction, or what the mail asks."""
    return str(task.details["request"]) if task.details["shape"] == "mail" else task.instruction
