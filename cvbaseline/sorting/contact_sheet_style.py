"""The contact sheet's style and script: plain CSS and JavaScript, nothing fetched from anywhere.

The page is whole without the script, which adds the filter, the size of the pictures, the switch
for boxes and walking with the arrow keys.
"""

STYLE = """
:root{color-scheme:light dark;--bg:#f4f3f1;--card:#fff;--ink:#1d1c1a;--soft:#6d6a65;
--line:#e2dfda;
--dim:#eceae6;--track:#e9e6e2;--size:240px;--shade:0 1px 2px #0001,0 4px 14px #0000000d;
--onc:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#161617;--card:#212123;--ink:#ecebe8;--soft:#9d9a95;
--line:#333336;--dim:#1b1b1d;--track:#3a3a3e;--shade:0 1px 2px #0006}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:8.5rem}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
a{color:inherit}
:focus-visible{outline:3px solid #3b82f6;outline-offset:2px;border-radius:6px}
.skip{position:absolute;left:-99em}
.skip:focus{left:1rem;top:1rem;z-index:9;background:var(--card);padding:.5rem 1rem}
.top,main{max-width:1720px;margin:auto;padding:0 clamp(1rem,3vw,2.5rem)}
.top{padding-top:2rem}
h1{font-size:clamp(1.5rem,3vw,2.1rem);line-height:1.15;margin:0;letter-spacing:-.02em;
overflow-wrap:anywhere}
.about{color:var(--soft);margin:.4rem 0 1.1rem;overflow-wrap:anywhere}
.share{display:flex;height:10px;gap:2px;border-radius:5px;overflow:hidden;margin-bottom:.4rem}
.share i{background:var(--c);min-width:2px}
nav{position:sticky;top:0;z-index:5;background:color-mix(in srgb,var(--bg) 88%,transparent);
backdrop-filter:blur(10px);border-bottom:1px solid var(--line)}
nav>div{max-width:1720px;margin:auto;padding:.6rem clamp(1rem,3vw,2.5rem);display:flex;
flex-wrap:wrap;
gap:.4rem;align-items:center}
nav a,nav .none{display:inline-flex;gap:.45rem;align-items:center;padding:.22rem .7rem;
border-radius:99px;
background:var(--card);border:1px solid var(--line);text-decoration:none;font-size:.9rem}
nav a:hover{border-color:var(--c)}
nav a::before,nav .none::before{content:"";width:.65rem;height:.65rem;border-radius:50%;
background:var(--c)}
nav b{font-variant-numeric:tabular-nums}
nav .none{opacity:.45}
.tools{margin-left:auto;display:flex;gap:.9rem;align-items:center;font-size:.85rem;
color:var(--soft)}
.tools[hidden]{display:none}
.tools label{display:inline-flex;gap:.4rem;align-items:center}
.tools input[type=search]{font:inherit;padding:.25rem .6rem;width:11rem;
border:1px solid var(--line);
border-radius:8px;background:var(--card);color:inherit}
.tools input[type=range]{width:6rem}
section{padding-top:1.8rem}
h2{display:flex;align-items:baseline;gap:.6rem;font-size:1.3rem;margin:0 0 .2rem;
letter-spacing:-.01em}
h2::before{content:"";width:.9rem;height:.9rem;border-radius:4px;background:var(--c);
align-self:center}
h2 span{color:var(--soft);font-weight:400;font-size:1rem;font-variant-numeric:tabular-nums}
.hint{color:var(--soft);margin:.1rem 0 0;font-size:.9rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--size)),1fr));
gap:1rem;
margin-top:.9rem;padding:0;list-style:none}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;
box-shadow:var(--shade);
overflow:hidden;display:flex;flex-direction:column;content-visibility:auto;
contain-intrinsic-size:auto 320px;min-width:0}
.card[hidden]{display:none}
.view{display:flex;aspect-ratio:4/3;align-items:center;justify-content:center;
background:var(--dim);
overflow:hidden;position:relative;text-decoration:none;outline-offset:-3px}
.frame{position:relative;display:block;max-width:100%;max-height:100%}
.wide{width:100%}
.tall{height:100%}
.frame img{display:block;width:100%;height:100%;object-fit:cover;font-size:.8rem;
color:var(--soft)}
.box{position:absolute;border:1.5px solid var(--c);border-radius:3px;
box-shadow:0 0 0 1px #0005,inset 0 0 0 1px #0003}
.box b{position:absolute;left:-1.5px;bottom:100%;background:var(--c);color:var(--onc);
font:600 11px/1.5 system-ui,sans-serif;padding:0 .4em;border-radius:4px 4px 4px 0;
white-space:nowrap;visibility:hidden}
.box:not(.main){opacity:.8}
.box.main{border-width:2.5px}
.box.main b{visibility:visible;left:-2.5px;margin-bottom:2px}
.box.low b{bottom:auto;top:100%;margin:2px 0 0;border-radius:0 4px 4px 4px}
.box.in b{bottom:2px;top:auto}
.box.right b{left:auto;right:-2.5px}
.view:hover .box b,.view:focus .box b{visibility:visible}
.view:hover .box:not(.main),.view:focus .box:not(.main){z-index:1}
.plain .box{display:none}
.card>div{padding:.6rem .75rem .7rem;display:flex;flex-direction:column;gap:.35rem;min-width:0}
.name{font-size:.82rem;color:var(--soft);text-decoration:none;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis}
.name:hover{text-decoration:underline}
.bars{display:grid;grid-template-columns:5.8em 1fr 2.7em;gap:.18rem .5rem;align-items:center;
margin:0;
padding:0;font-size:.8rem;line-height:1.25}
.bars dt{grid-column:1;max-width:8em;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bars dd{display:contents}
.bars i{height:7px;border-radius:4px;background:var(--track);overflow:hidden}
.bars i::before{content:"";display:block;height:100%;width:var(--p);background:var(--c);
border-radius:4px}
.bars u{text-decoration:none;text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
.bars dt:first-of-type{font-weight:650}
details{font-size:.8rem;color:var(--soft)}
summary{cursor:pointer;width:fit-content}
details h3{font-size:.8rem;margin:.5rem 0 .2rem;color:var(--ink);font-weight:600}
.note{font-size:.8rem;margin:0;padding:.15rem .5rem;border-radius:6px;background:var(--dim);
border-left:3px solid var(--c)}
table{border-collapse:collapse;margin-top:.8rem;background:var(--card);
border:1px solid var(--line);
border-radius:12px;overflow:hidden;font-size:.9rem;width:100%}
th,td{text-align:left;padding:.5rem .9rem;border-top:1px solid var(--line);
overflow-wrap:anywhere;vertical-align:top}
th{color:var(--soft);font-weight:500;border:0}
footer{color:var(--soft);font-size:.85rem;padding:2.5rem 0}
.empty{padding:3rem 0;color:var(--soft)}
@media(max-width:640px){.tools{margin-left:0;flex-wrap:wrap}
nav{position:static}
html{scroll-padding-top:1rem}
:root{--size:160px}
table{table-layout:fixed}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;
--dim:#eee;--size:150px}
nav .tools,.skip,details{display:none}
nav{position:static}
.card{break-inside:avoid;box-shadow:none;content-visibility:visible}
h2{break-after:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

SCRIPT = """
const all=s=>[...document.querySelectorAll(s)];
const cards=all('.card'),tools=document.querySelector('.tools');
const [search,size,boxes]=tools.querySelectorAll('input');
tools.hidden=false;
const names=cards.map(c=>c.textContent.toLowerCase());
function filter(){
  const wanted=search.value.trim().toLowerCase();
  cards.forEach((c,i)=>{c.hidden=!names[i].includes(wanted)});
  all('section').forEach(s=>{
    const shown=s.querySelectorAll('.card:not([hidden])').length,mark=s.querySelector('h2 span');
    if(s.querySelector('.card')){
      s.hidden=!shown;
      mark.textContent=wanted?shown+' of '+mark.dataset.count:mark.dataset.count;
    }
  });
}
search.addEventListener('input',filter);
size.addEventListener('input',()=>document.documentElement.style.setProperty('--size',size.value+'px'));
boxes.addEventListener('change',()=>document.body.classList.toggle('plain',!boxes.checked));
document.addEventListener('keydown',e=>{
  if(e.ctrlKey||e.metaKey||e.altKey)return;
  if(e.key==='/'&&document.activeElement!==search){e.preventDefault();search.focus();return}
  if(e.key==='Escape'&&document.activeElement===search){search.value='';filter();return}
  const views=all('.card:not([hidden]) .view'),at=views.indexOf(document.activeElement);
  if(at<0)return;
  const here=views[at].getBoundingClientRect();
  const row=d=>{for(let i=at+d;views[i];i+=d){const r=views[i].getBoundingClientRect();
    if(Math.abs(r.left-here.left)<8&&Math.abs(r.top-here.top)>8)return i}return at};
  const to={ArrowRight:()=>at+1,ArrowLeft:()=>at-1,ArrowDown:()=>row(1),ArrowUp:()=>row(-1)};
  if(!to[e.key])return;
  e.preventDefault();
  const view=views[to[e.key]()];
  if(view){view.focus();view.scrollIntoView({block:'nearest'})}
});
"""
