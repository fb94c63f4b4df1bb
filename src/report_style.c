/*
 * report_style.c
 *		The look of the page: light, dark, on a phone, on paper.
 *
 * Contrast is at least 4.5 to 1 for text, 3 to 1 for what else has to be
 * seen; nothing is told by colour alone.
 */
#include "postgres.h"

#include "report.h"

/* In both schemes: background, card, line, ink, dim ink, link, and the states. */
static const char *const light =
"--page:#f3f5f9;--card:#fff;--line:#d9e0ea;--ink:#1b2330;--dim:#566072;--link:#1d5fa3;--fill:#2f6fb5;--track:#e3e9f1;"
"--badink:#9b1c1c;--bad:#fdeaea;--warnink:#7a4a00;--warn:#fdf1d8;--goodink:#1c6038;--good:#e3f4e9;--tipink:#2a4a75;--tip:#e8f0fa";
static const char *const dark =
"--page:#0d1117;--card:#13171e;--line:#2b333f;--ink:#e9edf3;--dim:#a6b0bf;--link:#8dc1f5;--fill:#6aaeee;--track:#2a3340;"
"--badink:#ffb4b0;--bad:#471c1e;--warnink:#f5cf82;--warn:#402e0c;--goodink:#9fe0b6;--good:#12361f;--tipink:#b4d4f7;--tip:#1b2f47";

static const char *const rules =
"*{box-sizing:border-box}"
"html{-webkit-text-size-adjust:100%}"
"body{margin:0 auto;padding:0 24px 32px;max-width:1200px;background:var(--page);color:var(--ink);overflow-wrap:anywhere;"
"font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Noto Sans','DejaVu Sans',sans-serif}"
".skip{position:absolute;left:-999px;top:8px;padding:8px 12px;background:var(--card);color:var(--link);border-radius:6px}"
".skip:focus{left:8px}"
"a{color:var(--link)}"
":focus-visible{outline:3px solid var(--fill);outline-offset:2px}"
"header{padding:32px 0 12px}"
".who{margin:0;color:var(--dim);font-weight:600;letter-spacing:.02em}"
"h1{margin:2px 0 6px;font-size:30px;line-height:1.2;letter-spacing:-.01em}"
".made{margin:0;color:var(--dim)}"
".made span{margin-right:20px}"
".made b{color:var(--ink)}"
"nav ul{display:flex;flex-wrap:wrap;gap:4px 20px;margin:0 0 16px;padding:10px 0;list-style:none;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}"
"nav a{display:inline-block;padding:3px 0;text-decoration:none}"
"nav a:hover{text-decoration:underline}"
"section{margin:0 0 20px;padding:20px 24px;background:var(--card);border:1px solid var(--line);border-radius:12px}"
"h2{margin:0 0 4px;font-size:20px;line-height:1.3}"
"h3{margin:20px 0 6px;font-size:16px}"
".quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
".note{margin:0 0 12px;max-width:75ch;color:var(--dim)}"
".empty{margin:8px 0;color:var(--dim)}"
".few{color:var(--dim)}"
/* how things stand */
".state{display:flex;flex-wrap:wrap;align-items:center;gap:8px 28px;margin:0 0 20px;padding:16px 24px;border-radius:12px;border-left:6px solid}"
".state p{margin:0;font-size:19px}"
".state ul{display:flex;flex-wrap:wrap;gap:6px 22px;margin:0;padding:0;list-style:none}"
".state.bad{background:var(--bad);color:var(--badink)}"
".state.warn{background:var(--warn);color:var(--warnink)}"
".state.good{background:var(--good);color:var(--goodink)}"
".state li{color:var(--ink)}"
".badge{display:inline-block;padding:1px 10px;border-radius:10px;border:1px solid;font-weight:600;white-space:nowrap}"
".badge.critical{background:var(--bad);color:var(--badink)}"
".badge.warning{background:var(--warn);color:var(--warnink)}"
".badge.advice{background:var(--tip);color:var(--tipink)}"
".badge.good{background:var(--good);color:var(--goodink)}"
".badge.none{background:var(--card);color:var(--dim)}"
/* key figures */
"section[aria-labelledby=figures]{padding:0;background:none;border:0}"
".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:0;padding:0;list-style:none}"
".figures li{display:flex;flex-direction:column;padding:14px 18px;background:var(--card);border:1px solid var(--line);border-radius:12px}"
".figures .label{color:var(--dim);font-size:14px}"
".figures b{font-size:28px;line-height:1.25;font-variant-numeric:tabular-nums}"
".figures .under{color:var(--dim);font-size:13px}"
".figures .bad{border-color:var(--badink)}"
".figures .bad .under{color:var(--badink);font-weight:600}"
/* tables */
"table{width:100%;margin:0 0 12px;border-collapse:collapse;font-variant-numeric:tabular-nums}"
"caption{padding:8px 0 4px;text-align:left;font-weight:600}"
"section>h2~table:first-of-type caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
"th,td{padding:8px 14px 8px 0;text-align:left;vertical-align:top;border-top:1px solid var(--line)}"
/* only text may be broken anywhere: the narrowest width of the others is a word */
"th,td{overflow-wrap:break-word}"
"td.t,th code{overflow-wrap:anywhere}"
"tbody th{min-width:7em}"
"thead th{border-top:0;color:var(--dim);font-size:13px;font-weight:600}"
"tbody th{font-weight:600}"
"th.n,td.n{padding-right:26px}"
"th:last-child,td:last-child{padding-right:0}"
".n{text-align:right}"
"#findings th:first-child{width:9em}"
"code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px}"
"tbody th code{font-weight:600}"
"pre{margin:6px 0 0;padding:10px 12px;background:var(--page);border:1px solid var(--line);border-radius:8px;white-space:pre-wrap}"
"details{margin-top:2px}"
"section>details{margin-top:8px}"
"section>details>summary{font-size:15px;font-weight:600}"
"summary{color:var(--link);cursor:pointer;font-size:14px}"
".bar{display:inline-block;width:64px;height:8px;margin-right:4px;border-radius:4px;vertical-align:1px}"
".track{fill:var(--track)}"
".fill{fill:var(--fill)}"
"figure{margin:12px 0 0;overflow-x:auto;border:1px solid var(--line);border-radius:8px}"
"#map figure{max-width:860px}"
"figure svg{display:block;width:100%;height:auto}"
".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:0 16px}"
".pictures figure{max-width:640px}"
"footer{color:var(--dim);font-size:13px;max-width:90ch}"
/* a phone: each row is a card of its own, each value has its heading */
"@media (max-width:760px){"
"body{padding:0 12px 24px}"
"header{padding-top:20px}"
"h1{font-size:25px}"
"section,.state{padding:16px}"
".figures{grid-template-columns:1fr 1fr;gap:8px}"
".figures li{padding:10px 12px}"
".figures b{font-size:23px}"
"table,tbody,tr,th,td{display:block}"
"thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
"tr{padding:8px 0;border-top:1px solid var(--line)}"
"th,td,#findings th:first-child{width:auto;padding:2px 0;border:0}"
"td{display:flex;justify-content:space-between;gap:16px;text-align:right}"
"td .badge{white-space:normal}"
"td[data-label]::before{content:attr(data-label);flex:none;max-width:45%;color:var(--dim);text-align:left}"
"th.n,td.n{padding-right:0}"
"figure svg{min-width:460px}"
"td{overflow-wrap:anywhere}"
"#findings td{display:block;text-align:left}"
"#findings td::before{content:none}}"
"@media print{"
"body{max-width:none;padding:0;background:#fff}"
"nav,.skip,summary,details{display:none}"
"section{padding:8px 0;border:0;break-inside:auto}"
"h2,h3{break-after:avoid}"
"tr,figure,.figures li{break-inside:avoid}"
"*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

/* The style sheet. */
void
jp_report_style(StringInfo out)
{
	appendStringInfo(out, "<style>:root{color-scheme:light dark;%s}"
					 "@media (prefers-color-scheme:dark){:root{%s}}", light, dark);
	/* On paper it is always light. */
	appendStringInfo(out, "@media print{:root{color-scheme:light;%s}}", light);
	appendStringInfoString(out, rules);
	appendStringInfoString(out, "</style>");
}
