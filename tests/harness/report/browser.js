// Uses a report as a reader does, and writes what came of it at the end of the page: a line for each thing tried.
'use strict';
const said = [];
const say = (name, value) => said.push(`| ${name}: ${value}`);
// When it is open or closed and the page has heard of it, however long that takes.
const toggled = details => new Promise(done => details.addEventListener('toggle', done, {once: true}));
const background = () => getComputedStyle(document.body).backgroundColor;
const texts = column => Array.from(table.tBodies[0].rows, row => row.cells[column].textContent);
const table = document.querySelector('#view-accuracy_by_seed table');

function ordered(values, down) { // numbers in order, and what is not there last
    const known = values.filter(Boolean).map(Number), gaps = values.slice(known.length).every(text => !text);
    return gaps && known.every((value, i) => !i || (down ? value <= known[i - 1] : value >= known[i - 1]));
}

async function tables() {
    const details = table.closest('details');
    details.querySelector('summary').click();
    await toggled(details);
    say('opened by a click', details.open);
    const heads = Array.from(table.tHead.rows[0].cells, head => head.textContent);
    for (const name of ['accuracy', 'mean_s', 'workload']) {
        const column = heads.indexOf(name), button = table.tHead.rows[0].cells[column].querySelector('button');
        for (const way of ['ascending', 'descending']) {
            button.click();
            const values = texts(column), sorted = name === 'workload'
                ? values.every((text, i) => !i || (way === 'descending' ? text <= values[i - 1] : text >= values[i - 1]))
                : ordered(values, way === 'descending');
            say(`${name} ${way}`, sorted && table.tHead.rows[0].cells[column].getAttribute('aria-sort') === way);
        }
    }
    const input = details.querySelector('input[type=search]'), rows = Array.from(table.tBodies[0].rows);
    input.value = 'OFFSETS  fixed-8';
    input.dispatchEvent(new Event('input'));
    const shown = rows.filter(row => !row.hidden);
    say('filtered', shown.length && shown.every(row => /offsets.*fixed-8/.test(row.textContent)));
    say('filter tells', details.querySelector('[role=status]').textContent);
    input.value = '';
    input.dispatchEvent(new Event('input'));
    say('all again', rows.every(row => !row.hidden));
}

async function links() {
    const link = table.tBodies[0].querySelector('a'), id = link.getAttribute('href').slice(1);
    const entry = document.getElementById(id);
    link.click();
    await toggled(entry);
    say('link opens its trial', entry.open && document.activeElement === entry.querySelector('summary'));
    say('configuration on lines', entry.querySelector('pre:last-of-type').textContent.includes('\n  "seed"'));
    entry.open = false;
    await toggled(entry);
    link.click(); // the same place once more
    await toggled(entry);
    say('link opens it again', entry.open);
}

async function points() {
    const picture = document.querySelector('svg.points'), all = Array.from(picture.querySelectorAll('a'));
    say('one stop of the tab key', all.filter(point => point.getAttribute('tabindex') === '0').length === 1);
    all[0].focus();
    const press = key => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    press('ArrowRight');
    say('arrow goes on', document.activeElement === all[1]);
    press('ArrowLeft');
    press('ArrowLeft');
    say('arrow goes round', document.activeElement === all[all.length - 1]);
    const href = document.activeElement.getAttribute('href');
    document.activeElement.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
    await toggled(document.querySelector(href));
    say('point opens its trial', document.querySelector(href).open && location.hash === href);
}

function themes() {
    const button = Array.from(document.querySelectorAll('nav button')).find(b => b.textContent.startsWith('Theme'));
    const seen = {system: background()};
    for (const name of ['light', 'dark']) {
        button.click();
        seen[name] = background();
        say(`button says ${name}`, button.textContent === 'Theme: ' + name);
    }
    say('themes differ', seen.light !== seen.dark);
    say('system theme is', seen.system === seen.dark ? 'dark' : seen.system === seen.light ? 'light' : 'neither');
    button.click();
    say('back to the system', background() === seen.system);
}

(async () => {
    try {
        await tables();
        await links();
        await points();
        themes();
    } catch (error) {
        say('error', error.stack);
    }
    document.body.textContent = '';
    const pre = document.createElement('pre');
    pre.textContent = '\n' + said.join('\n') + '\n';
    document.body.append(pre);
})();
