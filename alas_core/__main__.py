"""The command line: ``analyse`` computes, ``run`` does so for a data set, ``show`` prints.

Results go to stdout, everything else to stderr. Exit status 0; 2 for input that cannot be used,
1 for a defect, each with one line on stderr, the last.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from alas_core import __version__
from alas_core.batch import command as command_run
from alas_core.bundle import SUFFIX, dumps
from alas_core.bundles import open_bundle
from alas_core.errors import AlasError
from alas_core.files import check_target, read_transcript, write_file
from alas_core.models.options import adapter_of, add_loading, loading_of
from alas_core.setting_options import add_settings, settings_of
from alas_core.terminal import ProgressLine, quiet

if TYPE_CHECKING:  # torch and transformers take seconds to import: only when they are needed
    from alas_core.pipeline import Request
    from alas_core.types import Analysis


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {_one_line(message)}; see '{self.prog} --help'\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        # What libraries print must not end up inside the JSON object.
        with contextlib.redirect_stdout(sys.stderr), quiet(not options.debug):
            text = options.run(options)
        sys.stdout.write(text)
        sys.stdout.flush()
    except AlasError as error:
        return _fail(options, 2, str(error))
    except BrokenPipeError:  # the reader, for example `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _fail(options, 130, getattr(options, "interrupted", "interrupted"))
    except Exception as error:  # noqa: BLE001 - a user never gets a traceback unasked
        return _fail(
            options,
            1,
            f"unexpected {type(error).__name__}: {error} (a defect: run it again with --debug "
            "and report what it prints)",
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="alas", description="How a speech LLM binds audio frames to words.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_analyse(commands.add_parser("analyse", help="analyse one recording and its transcript"))
    show = commands.add_parser("show", help="print an analysis kept with --out (needs no model)")
    show.add_argument("bundle", metavar=f"BUNDLE{SUFFIX}", type=Path)
    show.set_defaults(run=_show)
    report = commands.add_parser("report", help="one HTML file of a kept analysis, with its sound")
    report.add_argument("bundle", metavar=f"BUNDLE{SUFFIX}", type=Path)
    report.set_defaults(run=_report)
    for name, command in commands.choices.items():
        if name != "report":
            command.add_argument("--json", action="store_true", help="print one JSON object")
            command.add_argument(
                "--textgrid",
                type=Path,
                metavar="FILE.TextGrid",
                help="write when each word is spoken, for Praat",
            )
        command.add_argument(
            "--html",
            type=Path,
            metavar="FILE.html",
            required=name == "report",
            help="write a report that opens anywhere"
            if name != "show"
            else argparse.SUPPRESS,  # what 'report' was called at first
        )
    _add_series(commands.add_parser("series", help="one recording through a model's checkpoints"))
    data_set = commands.add_parser("run", help="take a data set through a model")
    command_run.add_arguments(data_set)
    data_set.add_argument("--json", action="store_true", help="print one JSON object")
    data_set.set_defaults(run=command_run.run)
    models = commands.add_parser("models", help="families: what they can do, which run here")
    models.add_argument("--json", action="store_true", help="print one JSON list, one a family")
    models.set_defaults(run=_models)
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", help="show tracebacks and warnings")
    return parser


def _add_series(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.set_defaults(run=_series)
    add("checkpoints", metavar="CHECKPOINTS", type=Path, help="model folders, the step in the name")
    add("audio", metavar="AUDIO", type=Path, help="wav, flac, ogg, opus, mp3, aiff, caf or w64")
    add("--transcript", required=True, metavar="TEXT", help="what is said; @FILE reads it")
    add("--reference", default="pocketsphinx", metavar="NAME|FILE", help="(pocketsphinx)")
    add("--instruction", metavar="TEXT", help="stands beside the audio (the model's own)")
    add("--out", type=Path, required=True, metavar="FOLDER", help="takes STEP/NAME.alas")
    add_loading(parser, of_folders=True)


def _series(options: argparse.Namespace) -> str:
    transcript, loading = read_transcript(options.transcript), loading_of(options)
    from alas_core import audio, pipeline, series
    from alas_core.types import Utterance

    series.checkpoints(options.checkpoints)  # before the libraries are loaded
    sound = audio.decode(options.audio, name=options.audio.name)
    utterance = Utterance(options.audio.stem, sound, transcript)
    request = pipeline.Request(
        "",
        utterance,
        reference=options.reference,
        instruction=options.instruction,
        loading=loading,
    )
    with ProgressLine() as line:
        for progress in series.make_series(options.checkpoints, request, options.out):
            line.show(progress)
    made = series.find_series([options.out])[f"{options.out.name}/{utterance.id}"]
    told = series.emergence(made, series.growth(made, "alas"))
    return (
        f"{told}\nKept in {options.out}; the Training page draws it where ALAS_BUNDLES names it.\n"
    )


def _add_analyse(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.set_defaults(run=_analyse)
    add("audio", metavar="AUDIO", type=Path, help="wav, flac, ogg, opus, mp3, aiff, caf or w64")
    add("--transcript", required=True, metavar="TEXT", help="what is said; @FILE reads it")
    add(
        "--model", default="demo", help="demo, demo-untrained, a folder, a hub id, a plug-in (demo)"
    )
    add(
        "--reference",
        default="pocketsphinx",
        metavar="NAME|FILE",
        help="pocketsphinx, whisper, whisper:CHECKPOINT, ctc:CHECKPOINT, qwen3:CHECKPOINT (a hub "
        "id or a folder), or a .TextGrid, .ctm or .json with word times (pocketsphinx)",
    )
    add("--tier", default="", metavar="NAME", help="of the --reference file (words)")
    add(
        "--part",
        metavar="START-END",
        help="of a recording longer than the model hears, in seconds; its words go with it",
    )
    add("--instruction", metavar="TEXT", help="stands beside the audio (the model's own)")
    add("--out", type=Path, metavar=f"FILE{SUFFIX}", help="keep the analysis in this file")
    add_settings(parser)
    add_loading(parser)


def _models(options: argparse.Namespace) -> str:
    from alas_core.models import inventory

    if options.json:
        return json.dumps(inventory.as_objects(), allow_nan=False, ensure_ascii=False) + "\n"
    return inventory.as_text()


def _analyse(options: argparse.Namespace) -> str:
    request = _request(options)
    from alas_core import pipeline

    analysis: Analysis | None = None
    with ProgressLine() as line:
        for progress in pipeline.steps(request):
            line.show(progress)
            analysis = progress.analysis or analysis
    if analysis is None:
        raise RuntimeError("the pipeline ended without an analysis")
    if options.out is not None:
        write_file(options.out, dumps(analysis))
    return _render(analysis, options)


def _request(options: argparse.Namespace) -> Request:
    """Everything that is cheap to check is checked before a model is loaded."""
    settings = settings_of(options)
    loading = loading_of(options)
    check_target(options.out, "--out", SUFFIX)
    check_target(options.html, "--html", ".html")
    check_target(options.textgrid, "--textgrid", ".TextGrid")
    transcript = read_transcript(options.transcript)
    from alas_core import audio
    from alas_core.types import Utterance

    sound = audio.decode(options.audio, name=options.audio.name)
    utterance = Utterance(options.audio.stem, sound, transcript)
    from alas_core.parts import Part, take_part
    from alas_core.pipeline import Request
    from alas_core.reference import get_aligner

    aligner = get_aligner(options.reference, options.tier)
    if options.part is not None:
        utterance, aligner = take_part(utterance, aligner, Part.parse(options.part))
    return Request(
        options.model,
        utterance,
        reference=aligner,
        settings=settings,
        instruction=options.instruction,
        loading=loading,
        model=adapter_of(options),
    )


def _show(options: argparse.Namespace) -> str:
    check_target(options.html, "--html", ".html")
    check_target(options.textgrid, "--textgrid", ".TextGrid")
    return _render(open_bundle(options.bundle), options)


def _report(options: argparse.Namespace) -> str:
    check_target(options.html, "--html", ".html")
    from alas_core.report import report_html

    write_file(options.html, report_html(open_bundle(options.bundle)).encode())
    return f"{options.html}\n"


def _render(analysis: Analysis, options: argparse.Namespace) -> str:
    from alas_core.tables import as_json, as_text

    if options.textgrid is not None:
        from alas_core.reference import to_textgrid

        duration_s = analysis.utterance.audio.duration_s
        write_file(options.textgrid, to_textgrid(analysis.reference, duration_s).encode())
    if options.html is not None:
        from alas_core.report import report_html

        write_file(options.html, report_html(analysis).encode())
    if options.json:
        return json.dumps(as_json(analysis), allow_nan=False, ensure_ascii=False) + "\n"
    return as_text(analysis)


def _fail(options: argparse.Namespace, status: int, message: str) -> int:
    if options.debug:
        traceback.print_exc()
    sys.stderr.write(f"alas: {_one_line(message)}\n")
    return status


def _one_line(message: str) -> str:
    text = " ".join(message.split())
    return "".join(char if char.isprintable() else "?" for char in text)


if __name__ == "__main__":
    sys.exit(main())
