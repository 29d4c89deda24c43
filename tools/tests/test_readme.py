"""The blocks of the README and of pages in docs/ do what is said there."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from tools.readme import Block, ReadmeError, Session, blocks, matches
from tools.repository import ROOT, in_ci

README = (ROOT / "README.md").read_text("utf-8")

PAGES = ("answering-webhooks.md", "ci.md", "client.md", "ground-truth.md")
"""The pages whose blocks are run, too."""

needs_terminal = pytest.mark.skipif(
    not in_ci() and not all(map(shutil.which, ("bash", "curl"))), reason="the README's blocks need bash and curl"
)


@needs_terminal
def test_every_block_of_the_readme_does_what_it_says(tmp_path: Path) -> None:
    run = [block for block in blocks(README) if block.runs]
    with Session(tmp_path, Path(sys.executable).parent) as session:
        for block in run:
            session.run(block)
    assert len(run) >= 8


@needs_terminal
@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_does_what_it_says(tmp_path: Path, page: str) -> None:
    run = [block for block in blocks((ROOT / "docs" / page).read_text("utf-8")) if block.runs]
    with Session(tmp_path, Path(sys.executable).parent) as session:
        for block in run:
            session.run(block)
    assert run


def test_every_block_that_is_not_run_says_why() -> None:
    documents = [README, *((ROOT / "docs" / page).read_text("utf-8") for page in (*PAGES, "migrating.md"))]
    read = [block for document in documents for block in blocks(document) if block.language in ("bash", "python")]
    skipped = [block for block in read if not block.runs]
    assert all(len(block.word.removeprefix("skip: ")) > 10 for block in skipped)


def test_every_link_into_the_repository_leads_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "INVARIANTS.md", *ROOT.glob("docs/**/*.md")):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8")):
            assert "://" in target or (document.parent / target).exists(), f"{document.name}: {target}"


@needs_terminal
@pytest.mark.parametrize(
    "block",
    [
        Block(1, "bash", "", "false\n"),
        Block(1, "bash", "", "false | cat\n"),
        Block(1, "bash", "", "echo one\n", "two\n"),
        Block(1, "bash", "", 'echo "$UNSET_VARIABLE"\n'),
        Block(1, "bash", "server", "echo no server\n"),
        Block(1, "python", "", "raise SystemExit(3)\n"),
        Block(1, "python", "", "print('one')\n", "two\n"),
    ],
)
def test_a_block_that_fails_or_says_something_else_is_an_error(tmp_path: Path, block: Block) -> None:
    with Session(tmp_path, Path(sys.executable).parent) as session, pytest.raises(ReadmeError, match="line 1"):
        session.run(block)


@needs_terminal
def test_blocks_share_one_terminal_and_one_folder(tmp_path: Path) -> None:
    with Session(tmp_path, Path(sys.executable).parent) as session:
        session.run(Block(1, "bash", "", "NAME=slide\n"))
        session.run(Block(2, "bash", "", "echo $NAME > file.txt\ncat file.txt\n", "slide\n"))
        session.run(Block(3, "python", "", "import pathlib\nprint(pathlib.Path('file.txt').read_text())\n", "slide\n"))
    assert (tmp_path / "file.txt").read_text() == "slide\n"


@needs_terminal
def test_a_file_is_there_for_the_programs_after_it(tmp_path: Path) -> None:
    with Session(tmp_path, Path(sys.executable).parent) as session:
        session.run(Block(1, "python", "file: mine.py", "ANSWER = 42\n"))
        session.run(Block(2, "python", "", "import mine\nprint(mine.ANSWER)\n", "42\n"))


def test_an_output_belongs_to_the_block_right_before_it() -> None:
    markdown = "```bash\necho a\n```\n\n```text\na\n```\n\nWords.\n\n```text\nread only\n```\n"
    found = list(blocks(markdown))
    assert [(block.language, block.output) for block in found] == [("bash", "a\n"), ("text", None), ("text", None)]
    assert [block.line for block in found] == [1, 5, 11]


@pytest.mark.parametrize("fence", ["```bash serve", "```ruby", "```"])
def test_a_fence_that_is_not_known_is_an_error(fence: str) -> None:
    with pytest.raises(ReadmeError, match="line 1"):
        list(blocks(f"{fence}\nx\n```\n"))


@pytest.mark.parametrize(
    ("said", "expected", "same"),
    [
        ("id 17\n", "id …\n", True),
        ("id 17\nend\n", "id …\nend\n", True),
        ("id 17\nmore\nend\n", "…\nend\n", True),
        ("id 17\n", "id\n", False),
        ("a.b\n", "a…c\n", False),
        ("axb\n", "a.b\n", False),
    ],
)
def test_an_ellipsis_stands_for_anything(said: str, expected: str, same: bool) -> None:
    assert matches(said, expected) is same
