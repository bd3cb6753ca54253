"""The look that our pages share: light and dark, narrow and wide, on paper; and escaped text.

A page is one file that opens from disk: its style is within it, and nothing is fetched.
"""

import html

BASE_STYLE = """
:root{color-scheme:light dark;--bg:#f4f3f1;--card:#fff;--ink:#1d1c1a;--soft:#6d6a65;--line:#e2dfda;
--track:#e9e6e2;--o:#e07b00;--b:#2563eb;--p:#0f766e;--n:#be185d;
--shade:0 1px 2px #0001,0 4px 14px #0000000d}
@media(prefers-color-scheme:dark){:root{--bg:#161617;--card:#212123;--ink:#ecebe8;--soft:#a19e99;
--line:#333336;--track:#3a3a3e;--o:#ff9d2e;--b:#7aa5ff;--p:#2dd4bf;--n:#f472b6;
--shade:0 1px 2px #0006}}
*{box-sizing:border-box}
html{scroll-behavior:smooth}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
a{color:inherit}
:focus-visible{outline:3px solid #3b82f6;outline-offset:2px;border-radius:6px}
header,main,footer{max-width:1400px;margin:auto;padding:0 clamp(1rem,3vw,2.5rem)}
h1{font-size:clamp(1.6rem,3vw,2.2rem);line-height:1.15;margin:0;letter-spacing:-.02em;
overflow-wrap:anywhere}
.about{color:var(--soft);margin:.5rem 0 1rem;overflow-wrap:anywhere}
section{padding-top:2rem}
h2{font-size:1.35rem;margin:0;letter-spacing:-.01em}
h2 span{color:var(--soft);font-weight:400;font-size:1rem;margin-left:.4rem}
.hint{color:var(--soft);margin:.25rem 0 0;font-size:.9rem}
.scroll{overflow-x:auto;margin-top:.8rem;border:1px solid var(--line);border-radius:14px;
background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.42rem .9rem;border-top:1px solid var(--line);white-space:nowrap}
thead th{border:0;color:var(--soft);font-weight:500}
.none{color:var(--soft)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,150px),1fr));gap:.9rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;
overflow:hidden;
box-shadow:var(--shade);content-visibility:auto;contain-intrinsic-size:auto 230px;display:flex;
flex-direction:column}
figcaption{padding:.1rem .6rem .55rem;font-size:.78rem;font-variant-numeric:tabular-nums}
details{margin-top:.9rem}summary{cursor:pointer;color:var(--soft);margin-bottom:.9rem;
width:fit-content}
footer{color:var(--soft);font-size:.85rem;padding-block:2.5rem}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444}nav{display:none}
figure{break-inside:avoid;box-shadow:none;content-visibility:visible}*{print-color-adjust:exact;
-webkit-print-color-adjust:exact}}
"""


def render_page(title: str, style: str, body: str) -> str:
    """A page whose style is BASE_STYLE with `style` behind it; title as text, body as HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<style>{BASE_STYLE}{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def escape(text: str) -> str:
    """Text for HTML, within quotes too; control characters and stray bytes are made visible."""
    return html.escape("".join(map(_visible, text)))


def escape_lines(text: str) -> str:
    """As `escape`, but line breaks stay: for text that is kept as it is, in <pre>."""
    return "\n".join(map(escape, text.splitlines()))


def _visible(character: str) -> str:
    code = ord(character)
    if code < 32:
        return chr(0x2400 + code)  # the picture of the control character
    if 0xD800 <= code < 0xE000 or 0x7F <= code < 0xA0:
        return "\ufffd"
    return character
