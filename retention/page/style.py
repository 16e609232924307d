"""How the page looks, on a screen and on paper. It loads nothing from anywhere."""

STYLE = """
:root { --ink: #1d2327; --soft: #5d6870; --line: #d9dee2; --paper: #fff; --good: #2e7d5b;
  --bad: #b3261e; --unknown: #a8b0b6; --tint: #f4f6f5; }
* { box-sizing: border-box; }
html { background: #eceff0; }
body { margin: 0; color: var(--ink); font: 10.5pt/1.5 "Source Serif 4", "Noto Serif", "DejaVu Serif",
  Georgia, serif; font-variant-numeric: tabular-nums lining-nums; -webkit-print-color-adjust: exact;
  print-color-adjust: exact; }
article { background: var(--paper); max-width: 210mm; margin: 8mm auto; padding: 16mm 18mm 20mm;
  box-shadow: 0 1px 4px rgba(0, 0, 0, .15); }
nav, .eyebrow, th, .facts dt, .legend, .small { font-family: "Source Sans 3", "Noto Sans",
  "DejaVu Sans", Arial, sans-serif; }
nav { text-align: right; font-size: 8.5pt; color: var(--soft); }
nav a { color: inherit; }
.eyebrow { margin: 0; color: var(--soft); font-size: 8.5pt; letter-spacing: .06em; }
h1 { margin: .1em 0 .5em; font-size: 23pt; line-height: 1.15; font-weight: 600; letter-spacing: -.01em; }
h2 { margin: 2em 0 .35em; padding-top: .5em; border-top: 1.5px solid var(--ink); font-size: 13pt;
  line-height: 1.25; break-after: avoid; }
p { margin: .35em 0; max-width: 42em; }
.facts { display: flex; flex-wrap: wrap; gap: .2em 2.4em; margin: 0 0 1.2em; }
.facts dt { font-size: 8pt; color: var(--soft); }
.facts dd { margin: 0; }
.answer { margin: 0 0 1em; padding: .8em 1.1em; border-left: 4px solid var(--good);
  background: var(--tint); font-size: 12.5pt; line-height: 1.4; }
.answer.bad { border-color: var(--bad); }
.answer.bad strong { color: var(--bad); }
.answer p { max-width: none; }
.note, .small { color: var(--soft); font-size: 9pt; }
ol { margin: .4em 0; padding-left: 1.4em; max-width: 44em; }
li { margin: .25em 0; }
code { font: 8.5pt/1.4 "DejaVu Sans Mono", "Noto Sans Mono", monospace; overflow-wrap: anywhere; }
code span { white-space: nowrap; }
li code { display: block; margin: .15em 0 .4em; padding: .3em .6em; background: var(--tint); }
.wide { overflow-x: auto; /* a shadow where it goes on: paper over it moves away with the table */
  background: linear-gradient(to right, var(--paper) 40%, transparent) left,
  linear-gradient(to left, var(--paper) 40%, transparent) right,
  linear-gradient(to right, var(--unknown), transparent) left,
  linear-gradient(to left, var(--unknown), transparent) right; background-repeat: no-repeat;
  background-size: 3em 100%, 3em 100%, .8em 100%, .8em 100%;
  background-attachment: local, local, scroll, scroll; }
table { width: 100%; margin: .6em 0; border-collapse: collapse; font-size: 9.5pt; line-height: 1.35; }
th { padding: .25em .6em .25em 0; border-bottom: 1px solid var(--ink); color: var(--soft);
  font-size: 8pt; font-weight: 400; text-align: left; vertical-align: bottom; }
td { padding: .3em .6em .3em 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.day { white-space: nowrap; }
td.n, th.n { text-align: right; white-space: nowrap; }
td.wrong, .wrong { color: var(--bad); font-weight: 600; }
tr { break-inside: avoid; }
thead { display: table-header-group; }
figure { margin: .8em 0 1.1em; break-inside: avoid; }
figcaption { font-size: 9.5pt; }
svg { display: block; width: 100%; height: 26px; margin: .3em 0; }
.ok { fill: var(--good); } .violated { fill: var(--bad); } .unknown { fill: var(--unknown); }
.legend { display: flex; gap: 1.6em; font-size: 8.5pt; color: var(--soft); }
.legend svg { display: inline-block; width: 10px; height: 10px; margin: 0 .45em 0 0; }
@media (max-width: 45em) {
  article { margin: 0; padding: 7mm 5mm 12mm; box-shadow: none; }
  h1 { font-size: 19pt; }
  .wide table { min-width: 36em; }
}
@page { size: A4; margin: 16mm 15mm 18mm; }
@media print {
  html { background: none; } nav { display: none; }
  body { font-size: 9.5pt; }
  article { max-width: none; margin: 0; padding: 0; box-shadow: none; }
  article + article { break-before: page; }
}
"""
