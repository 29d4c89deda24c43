"""Runs the blocks of a document as a reader would: in order, from an empty folder, with .venv's commands on PATH.

A fenced block is one of these, by what follows the fence:

- `bash`: typed into one terminal that stays open; `bash server`: one command in a terminal of its own, which is up when
  it says how to stop it; `bash skip: REASON`: not run;
- `python`: a program of its own; `python file: NAME`: a file of that name, for programs after it to import;
- `text` right after one that ran: its output, where `…` stands for anything;
- `text` elsewhere, and other languages: only read.

The ports 8001 (also as the default of `fake-pacs serve`) and 8002 become free ones: they may be in use on this machine.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

FENCE = re.compile(r"^```(\w*)[ \t]*(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORDS = re.compile(r"(server|(skip|file): .+)?")
PORTS = ("8001", "8002")
READY = "Ctrl-C"
END = "__end_of_block__"


class ReadmeError(AssertionError):
    """A block of a document doesn't do what the document says; the text names its line."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, the words after it, its text, and the output it must have."""

    line: int
    language: str
    word: str
    text: str
    output: str | None = None

    @property
    def runs(self) -> bool:
        """Whether the block is run rather than read."""
        return self.language in ("bash", "python") and not self.word.startswith("skip: ")


def blocks(markdown: str) -> Iterator[Block]:
    """The blocks of a document, in order; an output is part of the block that has it. Raises `ReadmeError`."""
    found = list(FENCE.finditer(markdown))
    for match, after in zip(found, [*found[1:], None], strict=True):
        language, word, text = match.groups()
        line = markdown.count("\n", 0, match.start()) + 1
        if language not in ("bash", "python", "text") or not WORDS.fullmatch(word):
            raise ReadmeError(f"line {line}: ```{language} {word} is no block that is known; see tools/readme.py")
        follows = after is not None and after[1] == "text" and not markdown[match.end() : after.start()].strip()
        yield Block(line, language, word, text, after[3] if after and follows else None)


def matches(said: str, expected: str) -> bool:
    """Whether an output is the expected one; `…` stands for anything, blanks at the ends of lines don't count."""
    wanted = re.escape("\n".join(map(str.rstrip, expected.strip().splitlines()))).replace("…", ".*?")
    return re.fullmatch(wanted, "\n".join(map(str.rstrip, said.strip().splitlines())), re.DOTALL) is not None


def free_port() -> str:
    """A port that is free now."""
    with socket.create_server(("localhost", 0)) as listener:
        return str(listener.getsockname()[1])


class Session:
    """One reader: a folder, a terminal that stays open, servers in terminals of their own. Use it as a context."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self._folder = folder
        self._ports = {port: free_port() for port in PORTS}
        self._environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "FAKE_PACS_SERVE_PORT": self._ports[PORTS[0]],
        }
        self._processes: list[subprocess.Popen[str]] = []
        self._terminal: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._terminal = self._open(["bash"])
        self._type("set -euo pipefail\n")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            if process.stdin:
                process.stdin.close()
            process.terminate()
            process.wait(10)
            if process.stdout:
                process.stdout.close()

    def run(self, block: Block) -> None:
        """Runs a block and compares its output. Raises `ReadmeError`."""
        text = self._with_ports(block.text)
        if block.word.startswith("file: "):
            (self._folder / block.word.removeprefix("file: ")).write_text(text, "utf-8")
            return
        if block.word == "server":
            said, well = self._serve(text)
        elif block.language == "python":
            said, well = self._program(text)
        else:
            said, well = self._typed(text)
        if not well:
            raise ReadmeError(f"line {block.line}: the block failed:\n{block.text}\n--- it said:\n{said}")
        wanted = None if block.output is None else self._with_ports(block.output)
        if wanted is not None and not matches(said, wanted):
            raise ReadmeError(f"line {block.line}: the output is another:\n{said}\n--- the document says:\n{wanted}")

    def _with_ports(self, text: str) -> str:
        for port, free in self._ports.items():
            text = text.replace(port, free)
        return text

    def _open(self, command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._processes.append(process)
        return process

    def _serve(self, text: str) -> tuple[str, bool]:
        server = self._open(["bash", "-c", f"exec {text.strip()}"])
        return _until(server, READY)

    def _typed(self, text: str) -> tuple[str, bool]:
        assert self._terminal is not None
        self._type(f"{text}\nprintf '\\n{END}\\n'\n")
        said, ended = _until(self._terminal, END)
        return said.removesuffix(f"\n{END}\n"), ended

    def _type(self, text: str) -> None:
        assert self._terminal is not None
        assert self._terminal.stdin is not None
        self._terminal.stdin.write(text)
        self._terminal.stdin.flush()

    def _program(self, text: str) -> tuple[str, bool]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-"],
            input=text,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr, done.returncode == 0


def _until(process: subprocess.Popen[str], mark: str) -> tuple[str, bool]:
    """What a process says up to the line with the mark, and whether that line came before it ended."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if mark in line:
            return said, True
    return said, False
