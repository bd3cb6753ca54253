"""What the album's style has beyond that of every page."""

STYLE = """
html{scroll-padding-top:4.5rem}
.store{position:absolute;width:0;height:0}
nav>div{max-width:1400px;margin:auto;padding:0 clamp(1rem,3vw,2.5rem)}
header{display:flex;flex-wrap:wrap;gap:1.5rem 2.2rem;padding-top:2.2rem;padding-bottom:1.6rem}
header>div:last-child{flex:1 1 26rem;min-width:0}
.portrait{width:220px}.portrait svg{width:100%;display:block;border-radius:14px;
box-shadow:var(--shade)}
.portrait small{color:var(--soft)}
.legend{border-left:3px solid var(--line);padding-left:1rem;font-size:.92rem;max-width:62rem}
.legend p{margin:.35rem 0}
.bits{float:right;width:104px;margin:0 0 .3rem 1.2rem}
.bits rect{fill:var(--card);stroke:var(--soft);stroke-width:.03}.bits .centre{fill:var(--track);
stroke:var(--ink);stroke-width:.08}
.bits text{font-size:.34px;text-anchor:middle;fill:var(--ink)}
.o{color:var(--o)}b.b{color:var(--b)}b.p{color:var(--p)}b.n{color:var(--n)}
nav{position:sticky;top:0;z-index:5;background:color-mix(in srgb,var(--bg) 88%,transparent);
backdrop-filter:blur(10px);border-block:1px solid var(--line)}
nav>div{display:flex;gap:.3rem;align-items:center;overflow-x:auto;padding-block:.5rem;
font-size:.88rem}
nav span{color:var(--soft);margin-right:.4rem}
nav a{flex:none;min-width:2rem;text-align:center;padding:.12rem .45rem;border-radius:99px;
background:var(--card);
border:1px solid var(--line);text-decoration:none;font-variant-numeric:tabular-nums}
nav a:hover{border-color:var(--soft)}
.funnel{display:block;width:100%;margin:1rem 0 .4rem;background:var(--card);
border:1px solid var(--line);
border-radius:14px;padding:.8rem .6rem .3rem;box-shadow:var(--shade)}
.funnel line{stroke:var(--line)}
.funnel text{fill:var(--soft);font-size:12px}
.funnel g polyline{fill:none;stroke-width:2.5;stroke-linejoin:round}
.funnel .p *{stroke:var(--p)}.funnel .n *{stroke:var(--n)}
.funnel .p circle{fill:var(--p)}.funnel .n circle{fill:var(--n)}
.funnel g text{stroke:none!important;font-weight:600;font-size:13px}
.funnel .p text{fill:var(--p)}.funnel .n text{fill:var(--n)}
td:nth-child(2),td:nth-child(n+5),th:nth-child(2),th:nth-child(n+5){text-align:right}
.rate{display:flex;align-items:center;gap:.7rem}
.rate i,.bars i{flex:1;height:8px;border-radius:4px;background:var(--track);overflow:hidden;
min-width:5rem}
.rate i::before,.bars i::before{content:"";display:block;height:100%;width:var(--v);
background:var(--c);border-radius:4px}
i.p,.rate.p,li.p{--c:var(--p)}i.n,.rate.n,li.n{--c:var(--n)}
.rate b{font-weight:500;min-width:4.7em;text-align:right}
.stage{display:flex;gap:1.2rem;align-items:center;margin-bottom:1rem}
.look{flex:none;width:112px}.look svg{display:block;width:100%;border-radius:10px;
box-shadow:var(--shade)}
.rates{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:.2rem 0 0;padding:0;
font-size:.95rem}
.rates b{color:var(--c);font-size:1.05rem;margin-right:.15rem}
figure:has(.nodes>:nth-child(2)){grid-column:span 2}
figure:has(.nodes>:nth-child(4)){grid-column:span 3}
@media(max-width:560px){.grid figure{grid-column:auto/span 1}}
.nodes{display:grid;grid-template-columns:repeat(auto-fit,minmax(104px,1fr));gap:2px}
.nodes>div{min-width:0}
.nodes em{font-style:normal;color:var(--ink);letter-spacing:-.1em;padding-right:.15em}
.nodes svg{display:block;width:100%}
.plus{fill:#ff9400;fill-opacity:.66;stroke:#ffd08a;stroke-width:.12}
.minus{fill:#1f5ff0;fill-opacity:.62;stroke:#a9c6ff;stroke-width:.12}
.centre{fill:none;stroke:#fff;stroke-width:.4}
.rule{display:flex;gap:.3rem;align-items:center;padding:.35rem .6rem 0;color:var(--soft);
white-space:nowrap;
font-size:.78rem;font-variant-numeric:tabular-nums}
.rule img{width:32px;height:32px;image-rendering:pixelated;border-radius:3px}
figcaption p{margin:.1rem 0;display:flex;align-items:baseline;color:var(--soft)}
figcaption p b{color:var(--ink);font-size:.9rem}
figcaption p span{margin-left:auto}
.bars{display:grid;grid-template-columns:1fr 2.6em;gap:.15rem .4rem;align-items:center}
.bars i{height:6px;min-width:0}
.bars u{text-decoration:none;text-align:right;color:var(--soft)}
"""
