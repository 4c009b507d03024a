// What report.html does beyond being read: tables sort and filter, links open what they lead to, points go by arrow
// keys, and the theme can be chosen. Without it everything is still there to be read.
'use strict';

// ---- tables ----

// A table's controls are made when it is first opened: a page has dozens, and few are looked at.
function prepare(details) {
    const table = details.querySelector('table.rows');
    if (!table || details.querySelector('.tools')) return;
    const tools = document.createElement('div');
    tools.className = 'tools';
    const label = document.createElement('label');
    label.textContent = 'Rows with ';
    const input = document.createElement('input');
    input.type = 'search';
    label.append(input);
    const said = document.createElement('span');
    said.setAttribute('role', 'status');
    tools.append(label, said);
    table.parentNode.before(tools);
    input.addEventListener('input', () => filter(table, input.value, said));
    table.querySelectorAll('thead th').forEach((head, column) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener('click', () => sort(table, head, column));
    });
}

// Every word must be in the row.
function filter(table, wanted, said) {
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = table.tBodies[0].rows;
    let shown = 0;
    for (const row of rows) {
        const text = Array.from(row.cells, cell => cell.textContent).join(' ').toLowerCase();
        row.hidden = !words.every(word => text.includes(word));
        shown += !row.hidden;
    }
    said.textContent = words.length ? `${shown} of ${rows.length} rows` : '';
}

// Numbers by size, texts by the alphabet; what is not there stays last either way.
function sort(table, head, column) {
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.querySelectorAll('th[aria-sort]')) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const numeric = table.classList.contains('n' + (column + 1));
    const order = new Intl.Collator('en', {numeric: true}).compare;
    const rows = Array.from(table.tBodies[0].rows, row => {
        const text = row.cells[column].textContent;
        return {row, text, value: numeric ? Number(text.replace('inf', 'Infinity')) : text};
    });
    rows.sort((a, b) => {
        if (!a.text || !b.text) return (a.text ? 0 : 1) - (b.text ? 0 : 1);
        const way = numeric ? (a.value > b.value) - (a.value < b.value) : order(a.value, b.value);
        return down ? -way : way;
    });
    table.tBodies[0].append(...rows.map(entry => entry.row));
}

// ---- what is opened ----

// A configuration is stored as one line.
function indent(details) {
    const pre = details.querySelector('pre.json');
    if (!pre) return;
    pre.classList.remove('json');
    try {
        pre.textContent = JSON.stringify(JSON.parse(pre.textContent), null, 2);
    } catch {} // then it stays as it is stored
}

document.addEventListener('toggle', event => {
    if (event.target.matches('details.table[open]')) prepare(event.target);
    if (event.target.matches('details.trial[open]')) indent(event.target);
}, true);

// ---- links into what is closed ----

function follow() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
    target.scrollIntoView();
    const summary = target.querySelector(':scope > summary');
    if (summary) summary.focus({preventScroll: true});
}
addEventListener('hashchange', follow);
document.addEventListener('click', event => { // also a second time to the same place
    const link = event.target.closest('a[href^="#"], a');
    const href = link && link.getAttribute('href');
    if (href && href[0] === '#' && href === location.hash) follow();
});
follow();

// ---- points ----

// One stop of the tab key for a picture; arrows go on from there.
for (const picture of document.querySelectorAll('svg.points')) {
    const points = Array.from(picture.querySelectorAll('a'));
    points.forEach((point, i) => point.setAttribute('tabindex', i ? '-1' : '0'));
    picture.addEventListener('keydown', event => {
        const at = points.indexOf(document.activeElement);
        const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
        if (at < 0 || !step) return;
        event.preventDefault();
        const next = points[(at + step + points.length) % points.length];
        points[at].setAttribute('tabindex', '-1');
        next.setAttribute('tabindex', '0');
        next.focus();
    });
}

// ---- theme ----

{
    const names = ['system', 'light', 'dark'];
    const item = document.createElement('li');
    const button = document.createElement('button');
    let chosen = 0;
    const show = () => {
        if (chosen) document.documentElement.dataset.theme = names[chosen];
        else delete document.documentElement.dataset.theme;
        button.textContent = 'Theme: ' + names[chosen];
    };
    button.type = 'button';
    button.addEventListener('click', () => {
        chosen = (chosen + 1) % names.length;
        show();
    });
    show();
    item.append(button);
    document.querySelector('nav ul').append(item);
}
