// The one style sheet of every page: light and dark, screen, phone and paper.

enum StyleSheet {
  static var text: String {
    """
    :root{color-scheme:light;\(Palette.variables(dark: false))}
    @media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;\
    \(Palette.variables(dark: true))}}
    \(base)\(banner)\(tables)\(charts)\(media)
    """
  }

  private static let base = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--page);color:var(--ink);
    font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
    main,header,footer{max-width:1240px;margin:0 auto;padding:0 24px}
    header{padding-top:28px}footer{padding-top:8px;padding-bottom:40px;color:var(--quiet);
    font-size:13px}
    h1{font-size:30px;line-height:1.2;margin:0 0 14px;letter-spacing:-.01em;overflow-wrap:anywhere}
    h2{font-size:19px;margin:0 0 12px;letter-spacing:-.005em}
    h3{font-size:16px;margin:24px 0 10px;overflow-wrap:anywhere}
    h3 small{font-weight:400;color:var(--quiet);margin-left:6px}
    h4{font-size:14px;margin:0}
    p{margin:0 0 12px}
    a{color:var(--link)}
    code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",
    monospace;font-size:13px}
    pre{background:var(--page);border:1px solid var(--rule);border-radius:6px;padding:10px 12px;
    margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
    section{background:var(--card);border:1px solid var(--rule);border-radius:10px;
    padding:20px 22px;margin:0 0 18px}
    .kind{color:var(--quiet);font-size:13px;margin:0 0 6px}
    .about{color:var(--quiet);margin:-8px 0 16px;max-width:75ch}
    .note{color:var(--quiet);font-size:13.5px;margin:0 0 12px}
    nav{font-size:13.5px;margin:0 0 18px}
    nav a{display:inline-block;margin:0 16px 0 0;padding:4px 0}
    :focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
    dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,180px),1fr));
    gap:14px 24px;margin:0}
    dl.facts div{min-width:0}
    @media (min-width:641px){dl.facts div.long{grid-column:span 2}}
    dt{color:var(--quiet);font-size:12.5px}
    dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
    .facts .mono dd{font:12px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",
    monospace}
    summary{cursor:pointer;color:var(--link);font-size:13px;padding:3px 0;width:fit-content}

    """

  private static let banner = """
    .banner{display:flex;gap:18px;align-items:center;border:2px solid;border-radius:10px;
    padding:16px 20px;margin:0 0 18px}
    .banner .symbol{flex:none;width:52px;height:52px;display:grid;place-items:center;
    font-size:30px;line-height:1;font-weight:700;color:var(--card)}
    .banner .word{font-size:21px;font-weight:700;letter-spacing:.04em;text-transform:uppercase}
    .banner p{margin:2px 0 0;color:var(--ink);overflow-wrap:anywhere}
    .banner>div{min-width:0}
    .banner.pass{background:var(--pass-tint);border-color:var(--pass);color:var(--pass)}
    .banner.pass .symbol{background:var(--pass);border-radius:50%}
    .banner.fail{background:var(--fail-tint);border-color:var(--fail);color:var(--fail)}
    .banner.fail .symbol{background:var(--fail);border-radius:6px}
    .banner.unsure{background:var(--unsure-tint);border:2px dashed var(--unsure);
    color:var(--unsure)}
    .banner.unsure .symbol{color:var(--unsure);border:2px dashed;border-radius:50%}
    .banner.partial{color:var(--partial);border-color:var(--partial);
    background:repeating-linear-gradient(135deg,var(--partial-tint) 0 14px,var(--card) 14px 28px)}
    .banner.partial .symbol{color:var(--partial)}
    .banner.partial .symbol{border:2px solid;border-radius:6px;background:var(--card)}
    .banner.idle{background:var(--idle-tint);border-color:var(--idle);color:var(--idle)}
    .banner.idle .symbol{background:var(--idle);border-radius:6px}
    .stamp{flex:none;margin-left:auto;border:3px double var(--partial);color:var(--partial);
    background:var(--card);border-radius:4px;padding:2px 12px;font-weight:700;font-size:18px;
    letter-spacing:.12em;transform:rotate(-4deg)}
    .chip{display:inline-block;white-space:nowrap;border-radius:999px;padding:1px 10px;
    font-size:13px;font-weight:600;border:1px solid transparent}
    .chip.pass{color:var(--pass);background:var(--pass-tint)}
    .chip.fail{color:var(--fail);background:var(--fail-tint);border-color:var(--fail)}
    .chip.unsure{color:var(--unsure);background:var(--unsure-tint);border:1px dashed}
    .chip.partial{color:var(--partial);background:var(--partial-tint)}
    .chip.idle{color:var(--idle);background:var(--idle-tint)}
    .card{border:1px solid var(--rule);border-left:4px solid;border-radius:6px;padding:14px 16px;
    margin:14px 0 0}
    .card.fail{border-left-color:var(--fail)}.card.unsure{border-left:4px dashed var(--unsure)}
    .card.partial{border-left:4px double var(--partial)}
    .card h3{margin:0 0 6px}.card h3 .chip{margin-right:6px}
    .again{margin:16px 0 0}.again p{margin:0 0 6px}
    .card p{max-width:85ch;overflow-wrap:anywhere}
    .card dl.facts{margin:0 0 12px}.card details{margin:0 0 10px}

    """

  private static let tables = """
    .scroll{overflow-x:auto;max-width:100%;background:
    linear-gradient(to right,var(--card) 40%,transparent) 0 0/36px 100% no-repeat local,
    linear-gradient(to left,var(--card) 40%,transparent) 100% 0/36px 100% no-repeat local,
    linear-gradient(to right,var(--rule),transparent) 0 0/12px 100% no-repeat scroll,
    linear-gradient(to left,var(--rule),transparent) 100% 0/12px 100% no-repeat scroll}
    table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
    caption{text-align:left;color:var(--quiet);font-size:12.5px;padding:0 0 4px}
    th,td{text-align:left;vertical-align:top;padding:7px 14px 7px 0;
    border-bottom:1px solid var(--rule)}
    thead th{color:var(--quiet);font-weight:600;font-size:12.5px;white-space:nowrap}
    tbody th{font-weight:600}
    tbody tr:last-child>*{border-bottom:0}
    td.number,th.number{text-align:right;white-space:nowrap}
    td.number+td:not(.number),th.number+th:not(.number){padding-left:14px}
    td.worst{min-width:140px}
    table.marks th,table.marks td{width:1%;white-space:nowrap;padding-right:24px}
    table.marks th:last-child,table.marks td:last-child{width:auto;white-space:normal}
    details.rules{margin:14px 0 0}
    th.wide,td.wide{min-width:190px;overflow-wrap:anywhere}
    tr.group th{padding-top:16px;color:var(--quiet);font-size:12.5px;font-weight:600}
    td small,th small{display:block;color:var(--quiet);font-weight:400;font-size:12.5px}
    table.data{width:auto;font-size:12px}
    table.data th,table.data td{padding:2px 14px 2px 0;text-align:right;white-space:nowrap}
    .key{display:inline-block;min-width:22px;text-align:center;border-radius:4px;padding:0 5px;
    font-weight:700;font-size:12.5px;border:1px solid var(--quiet);color:var(--ink)}
    .key.impairment{border-color:var(--impairment)}

    """

  private static let charts = """
    .plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));
    gap:22px 26px;align-items:start}
    .plot{margin:0;min-width:0}
    .plot figcaption p{color:var(--quiet);font-size:12.5px;line-height:1.35;margin:0 0 4px}
    svg.chart{display:block;width:100%;height:auto}
    svg text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
    fill:var(--quiet)}
    svg .mid{text-anchor:middle}svg .end{text-anchor:end}
    .grid{stroke:var(--rule);stroke-width:1}
    .axis{stroke:var(--quiet);stroke-width:1}
    .line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
    .s0{stroke:var(--s0)}
    .s1{stroke:var(--s1);stroke-dasharray:7 3}
    .s2{stroke:var(--s2);stroke-dasharray:2 3.5}
    .s3{stroke:var(--s3);stroke-dasharray:9 3 2 3}
    .s4{stroke:var(--capacity);stroke-width:1.4;stroke-dasharray:1 2.5}
    path.dot{stroke-width:4;stroke-dasharray:none}
    path.band,rect.band{fill:var(--s0);fill-opacity:.16}
    .limit{stroke:var(--limit);stroke-width:1.4;stroke-dasharray:5 3}
    .impairment rect{fill:var(--impairment);fill-opacity:.14}
    .impairment line{stroke:var(--impairment);stroke-width:2.5}
    .impairment.other rect{fill-opacity:.05}
    .impairment.other line{stroke-width:1;stroke-dasharray:2 2}
    .event{stroke:var(--quiet);stroke-width:1;stroke-dasharray:1 3}
    svg .badge{text-anchor:middle;font-weight:700;fill:var(--ink)}
    svg .badge.other{font-weight:400;fill:var(--quiet)}
    .legend{list-style:none;display:flex;flex-wrap:wrap;gap:0 14px;margin:2px 0 2px;padding:0;
    font-size:12.5px;overflow-wrap:anywhere}
    .steady{list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;margin:12px 0 0;padding:0;
    color:var(--quiet);font-size:13px}.steady b{font-weight:600;color:var(--ink)}
    .swatch{width:26px;height:10px;vertical-align:middle}
    .plot .scroll{max-height:320px;overflow-y:auto}
    svg.topology{display:block;width:100%;min-width:760px;height:auto}
    .topology .box{fill:var(--page);stroke:var(--quiet);stroke-width:1}
    .topology .hub{fill:var(--card);stroke:var(--s0);stroke-width:2}
    .topology .wire{stroke:var(--quiet);stroke-width:1.3;fill:none}
    .topology .wire.impaired{stroke:var(--impairment);stroke-width:2.4}
    svg.topology .name{font-size:13px;font-weight:600;fill:var(--ink)}
    svg.topology .hubname{font-size:15px;font-weight:700;fill:var(--ink);text-anchor:middle}
    svg.topology .settings{font-size:11px}

    """

  private static let media = """
    @media (max-width:640px){
    main,header,footer{padding-left:14px;padding-right:14px}
    section{padding:16px 14px}h1{font-size:24px}th.wide,td.wide{min-width:190px}
    .chip{padding:0 7px;font-size:12px}
    .banner{flex-wrap:wrap;padding:14px;gap:12px}.banner .symbol{width:40px;height:40px;
    font-size:24px}.banner>div{flex:1 1 220px}.stamp{margin-left:0}
    dl.facts{grid-template-columns:repeat(2,minmax(0,1fr));gap:12px 16px}
    dl.facts .mono{grid-column:1/-1}
    .card dl.facts{grid-template-columns:1fr}
    table.checks,table.checks tbody{display:block}table.checks thead{display:none}
    table.checks tr{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;
    padding:10px 0;border-bottom:1px solid var(--rule)}
    table.checks tr:last-child{border-bottom:0}
    table.checks td,table.checks th{border:0;padding:0!important;min-width:0;text-align:left}
    table.checks th.wide{flex:1 1 60%;min-width:0}
    table.checks td:empty{display:none}
    table.checks td[data-head]::before{content:attr(data-head) " ";color:var(--quiet);
    font-size:12.5px}
    table.marks th,table.marks td{padding-right:12px}
    table.checks td.worst small{display:inline;margin-left:6px}}
    @media print{
    @page{margin:14mm 12mm}
    body{background:#fff;font-size:10.5pt;-webkit-print-color-adjust:exact;
    print-color-adjust:exact}
    main,header,footer{max-width:none;padding:0}
    section{border:0;padding:0;margin:0 0 14pt}
    nav,.plot details{display:none}
    .scroll{overflow:visible;background:none}
    table{font-size:8pt}td small,th small,.chip,thead th{font-size:7.5pt}
    th,td,th.wide,td.wide,td.worst{padding-right:6pt;min-width:0;overflow-wrap:anywhere}
    td:first-child,td[data-head=Criteria]{overflow-wrap:normal}
    svg.topology{min-width:0}
    .plots{grid-template-columns:repeat(2,minmax(0,1fr))}
    h2,h3{break-after:avoid}figure,.card,.banner,tr{break-inside:avoid}
    .plot .scroll{max-height:none}}
    """
}
