"""The report as a web page of its own: nothing is loaded, light and dark, one page on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from vitrine.cli.live_table import advice_words
from vitrine.cli.report import Keyframe, Report, mark_words
from vitrine.cli.report_picture import STACKED, svg

_MARKS = 12
_STYLE = """
:root { color-scheme: light dark; --ink:#1c1e24; --dim:#646a76; --line:#dfe2e8; --page:#fff; --band:#f1a63a40;
  --cut:#d2454540; --good:#1d7f46; --bad:#c02f2f;
  --processed:#3d4fd1; --skipped_same_scene:#9fb1d6; --skipped_interval:#d5dae4; --superseded:#e2b93b; --late:#e58a2e;
  --rejected:#d24545; --duplicate:#a35bc4; --dropped:#6d1f2b; --lost:#6d1f2b; --pending:#8a8f99; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8eaef; --dim:#9aa1ae; --line:#343944; --page:#15171c;
  --band:#f1a63a38; --cut:#ff6b6b38; --good:#5fce8d; --bad:#ff8080; --processed:#8391ff; --skipped_same_scene:#5a6e9c;
  --skipped_interval:#3b4250; --dropped:#c06a78; --lost:#c06a78; } }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 60rem;
  margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1rem; margin: 1.3rem 0 .3rem; }
.dim, .axis, .name { color: var(--dim); fill: var(--dim); } .axis, .name { font-size: 11px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.facts b { display: block; font-size: 1rem; } .facts span { color: var(--dim); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .15rem .6rem .15rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; } .right { text-align: right; white-space: nowrap; }
.swatch { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .4em;
  border: 1px solid var(--line); } .bar { height: .7em; border-radius: 2px; min-width: 1px; }
.good { color: var(--good); } .bad { color: var(--bad); } .wide { overflow-x: auto; }
.timeline { width: 100%; min-width: 34rem; height: auto; } .grid { stroke: var(--line); }
.camera { fill: none; stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 3 2; } .key { fill: var(--processed); }
.span { fill: var(--band); } .span.reconnect { fill: var(--cut); }
@media print { body { margin: 0; font-size: 11px; } }
"""
_LEGEND = (
    "Columns: what became of frames, when the client was told. Dashed: what the camera gave. Triangles: keyframes. "
    "Bands: frames that did not come as they should, and broken connections."
)
_HEX = re.compile("#[0-9a-fA-F]{3,8}")
_COLORS = "".join(
    f".o-{it} {{ fill: var(--{it}); background: var(--{it}); }}\n" for it in (*STACKED, "lost", "pending")
)


def html(report: Report) -> str:
    """Writes the report as a web page.

    Args:
        report: It.
    """
    title = escape(report.title)
    parts = [
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>\n<style>{_STYLE}{_COLORS}</style>",
        f'<h1>{title}</h1>\n<div class="dim">{escape(report.name)}</div>',
        '<div class="facts">',
        *(f"<div><span>{escape(what)}</span><b>{escape(much)}</b></div>" for what, much in report.facts()),
        "</div>",
        f'<div class="wide">{svg(report.log)}</div>',
        f'<div class="dim">{_LEGEND}</div>',
        *_outcomes(report),
        *_stalls(report),
        *_sections(report),
        *_keyframes(report),
    ]
    return "\n".join(parts) + "\n</html>\n"


def _outcomes(report: Report) -> Iterator[str]:
    yield "<h2>What became of each frame</h2>\n<table>"
    for row in report.rows:
        bar = f'<div class="bar o-{row.name}" style="width:{min(1.0, row.share):.1%}"></div>'
        yield f'<tr><td><span class="swatch o-{row.name}"></span>{escape(row.words)}</td>'
        yield f'<td class="right">{row.count:,}</td><td class="right">{row.share:.1%}</td>'
        yield f'<td style="width:55%">{bar}</td></tr>'
    yield "</table>"
    sign, kind = ("✓", "good") if report.agrees else ("✗", "bad")
    yield f'<p class="{kind}">{sign} {escape(report.books)}.</p>'


def _stalls(report: Report) -> Iterator[str]:
    advice = report.log.advice
    if not report.stalls and advice is None:
        return
    yield "<h2>How frames failed to come</h2>\n<ul>"
    yield from (f"<li>{escape(mark_words(it))}</li>" for it in report.stalls[:_MARKS])
    if len(report.stalls) > _MARKS:
        yield f"<li>and {len(report.stalls) - _MARKS} more</li>"
    if advice is not None:
        yield f"<li>the server's advice: {escape(advice_words(advice))}</li>"
    yield "</ul>"


def _sections(report: Report) -> Iterator[str]:
    for section in report.sections:
        yield f"<h2>{escape(section.title)}</h2>\n<ul>"
        yield from (f"<li>{escape(line)}</li>" for line in section.lines)
        yield "</ul>"


def _keyframes(report: Report) -> Iterator[str]:
    if not report.keyframes:
        return
    last = f", the last {len(report.keyframes)}" if report.keyframe_count > len(report.keyframes) else ""
    yield f"<h2>Keyframes ({report.keyframe_count:,}{last})</h2>\n<div class='wide'><table>"
    yield '<tr><th class="right">frame</th><th class="right">at</th><th>why</th><th>worn</th><th>found</th></tr>'
    yield from (_keyframe(it) for it in report.keyframes)
    yield "</table></div>"


def _keyframe(it: Keyframe) -> str:
    worn = "".join(f"{_swatch(color)}{escape(words)}<br>" for words, color in it.worn)
    return (
        f'<tr><td class="right">{it.number}</td><td class="right">{it.at_s:.1f} s</td><td>{escape(it.why)}</td>'
        f'<td>{worn or "no garment"}</td><td class="dim">{escape(it.found)}</td></tr>'
    )


def _swatch(color: str) -> str:
    return f'<span class="swatch" style="background:{color}"></span>' if _HEX.fullmatch(color) else ""
