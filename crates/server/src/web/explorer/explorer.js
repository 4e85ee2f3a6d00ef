// The page at /api/: shows openapi.json, and sends requests. No library, and nothing is built as HTML text, so nothing that
// the description or an answer says can become markup.

const api = new URL('openapi.json', import.meta.url);
const root = new URL('..', import.meta.url);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const SHOWN_CHARACTERS = 200_000;
const byId = (id) => document.getElementById(id);
let description;

/** An element with attributes (functions are event listeners) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== ''));
  return element;
}

/** Paragraphs; what is in backticks is code. */
function prose(text = '', tag = 'p') {
  return text
    .split(/\n\n+/)
    .filter(Boolean)
    .map((paragraph) => make(tag, {}, inline(paragraph)));
}

function inline(text) {
  return text
    .split(/`([^`]*)`/)
    .map((piece, index) => (index % 2 ? make('code', {}, piece) : piece.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')));
}

/** What a reference stands for. */
function resolve(thing) {
  if (!thing?.$ref) return thing ?? {};
  const found = thing.$ref
    .slice(2)
    .split('/')
    .reduce((at, key) => at?.[key], description);
  return { ...found, ...(thing.description && { description: thing.description }) };
}

const alternatives = (schema) => schema.oneOf ?? schema.anyOf ?? schema.allOf;
const typesOf = (schema) => [schema.type ?? []].flat();

/** A schema in a few words. */
function typeName(schema) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  const several = alternatives(schema);
  if (several) return several.map(typeName).join(schema.allOf ? ' and ' : ' or ');
  const names = typesOf(schema).map((type) => {
    if (type === 'array') return `list of ${typeName(schema.items ?? {})}`;
    if (type === 'object' && schema.additionalProperties?.$ref) return `object of ${typeName(schema.additionalProperties)}`;
    if (type === 'string' && schema.format === 'date-time') return 'time';
    return type;
  });
  return names.join(' or ') || 'anything';
}

/** The named schemas that a schema is made of. */
function parts(schema) {
  if (schema.$ref) return [schema];
  const inner = [...(alternatives(schema) ?? []), schema.items, schema.additionalProperties];
  return inner.filter((part) => part && typeof part === 'object').flatMap(parts);
}

/** A schema with its fields; those of schemas in it are shown when they are opened. */
function schemaView(schema) {
  const resolved = resolve(schema);
  const view = [];
  if (resolved.enum) view.push(make('span', { class: 'note' }, 'One of ', inline(resolved.enum.map((value) => `\`${value}\``).join(', '))));
  const bounds = [
    ['at least', resolved.minimum],
    ['at most', resolved.maximum],
    ['no longer than', resolved.maxLength],
  ].filter(([, bound]) => bound !== undefined && bound !== 0);
  if (bounds.length) view.push(make('span', { class: 'note' }, bounds.map(([words, bound]) => `${words} ${bound}`).join(', ')));
  if (resolved.properties) view.push(fieldsView(resolved));
  if (!schema.$ref || alternatives(resolved)) {
    for (const part of resolved.properties ? [] : parts({ ...resolved, $ref: undefined })) view.push(lazySchema(part));
  }
  return view;
}

function lazySchema(schema) {
  const details = make('details', {}, make('summary', {}, typeName(schema)));
  details.addEventListener('toggle', () => details.append(...prose(resolve(schema).description), ...schemaView(schema)), { once: true });
  return details;
}

function fieldsView(schema) {
  const rows = Object.entries(schema.properties).map(([name, property]) => {
    const needed = schema.required?.includes(name);
    const inner = property.$ref || !property.properties ? parts(property).map(lazySchema) : schemaView(property);
    return [
      make('dt', {}, name, make('span', { class: 'dim' }, needed ? '' : 'optional')),
      make('dd', {}, make('span', { class: 'type' }, typeName(property)), ...prose(property.description, 'div'), ...(property.$ref ? [] : property.enum ? schemaView(property) : []), inner),
    ];
  });
  return make('dl', { class: 'fields' }, rows.flat());
}

/** A value that fits a schema: what has to be there, and no more. */
function example(schema, depth = 0) {
  const resolved = resolve(schema);
  const given = resolved.example ?? resolved.examples?.[0] ?? resolved.default ?? resolved.enum?.[0] ?? resolved.const;
  if (given !== undefined) return given;
  const several = alternatives(resolved);
  if (several) return example(several.find((one) => one.type !== 'null') ?? several[0], depth);
  const type = typesOf(resolved).find((one) => one !== 'null');
  if (type === 'array') return depth > 3 ? [] : [example(resolved.items ?? {}, depth + 1)];
  if (type === 'object') {
    const names = resolved.required ?? Object.keys(resolved.properties ?? {}).slice(0, 1);
    return Object.fromEntries(names.map((name) => [name, example(resolved.properties?.[name] ?? {}, depth + 1)]));
  }
  if (type === 'string') return resolved.format === 'date-time' ? new Date().toISOString() : '';
  if (type === 'integer' || type === 'number') return resolved.minimum > 0 ? resolved.minimum : 0;
  return type === 'boolean' ? false : {};
}

/** A row of the form for one parameter. */
function parameterRow(operation, parameter) {
  const schema = resolve(parameter.schema);
  const id = `${operation.operationId}-${parameter.name}`;
  const field = schema.enum
    ? make('select', { id }, ['', ...schema.enum].map((value) => make('option', {}, value)))
    : make('input', { id, type: 'text', spellcheck: 'false', autocomplete: 'off', required: parameter.required });
  const values = () => (typesOf(schema).includes('array') ? field.value.split(',') : [field.value]).filter(Boolean);
  const several = typesOf(schema).includes('array') ? ' Several are separated by commas.' : '';
  const row = [
    make('dt', {}, make('label', { for: id }, parameter.name), make('span', { class: 'dim' }, `${parameter.in}${parameter.required ? '' : ', optional'}`)),
    make('dd', {}, make('span', { class: 'type' }, typeName(parameter.schema ?? {})), ...prose((parameter.description ?? '') + several, 'div'), field),
  ];
  return { parameter, field, values, row };
}

/** What is in the form, as a request. */
function requestOf(method, path, rows, body) {
  let target = path;
  const query = [];
  for (const { parameter, values } of rows) {
    const sent = values();
    if (parameter.in === 'path') {
      if (sent.length) target = target.replace(`{${parameter.name}}`, encodeURIComponent(sent[0]));
    } else if (parameter.in === 'query') for (const value of sent) query.push(`${encodeURIComponent(parameter.name)}=${encodeURIComponent(value)}`);
  }
  const url = new URL(target.slice(1) + (query.length ? `?${query.join('&')}` : ''), root);
  const headers = {};
  const token = byId('token').value;
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers['Content-Type'] = 'application/json';
  return { url, options: { method: method.toUpperCase(), headers, body: body?.value } };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curlLine({ url, options }) {
  const line = ['curl'];
  if (options.method !== 'GET') line.push('-X', options.method);
  line.push(quoted(url.href));
  // The key itself does not belong in what one copies to somebody else.
  if (options.headers.Authorization) line.push('-H', '"Authorization: Bearer $TOKEN"');
  if (options.body !== undefined) line.push('-H', quoted('Content-Type: application/json'), '-d', quoted(options.body));
  return line.join(' ');
}

/** Sends a request and shows what comes back. */
async function send(request, answer) {
  const started = performance.now();
  const response = await fetch(request.url, { ...request.options, cache: 'no-store' });
  const type = response.headers.get('Content-Type') ?? '';
  const bytes = await response.blob();
  const took = Math.round(performance.now() - started);
  const heading = make('h4', { class: response.ok ? '' : 'failed' }, `${response.status} ${response.statusText} `, make('small', {}, `${took} ms, ${bytes.size} bytes${type ? `, ${type}` : ''}`));
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  answer.replaceChildren(heading, make('details', {}, make('summary', {}, 'Headers'), make('pre', {}, headers)));
  if (/json|text/.test(type)) {
    let text = await bytes.text();
    if (/^application\/json/.test(type) && text.length < SHOWN_CHARACTERS) text = indented(text);
    answer.append(make('pre', { tabindex: '0' }, text.slice(0, SHOWN_CHARACTERS)));
    if (text.length > SHOWN_CHARACTERS) answer.append(make('p', {}, 'The rest is not shown.'));
  }
  if (bytes.size > 0) answer.append(make('a', { href: URL.createObjectURL(bytes), download: 'answer' }, 'Save the answer'));
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // it is shown as it came
  }
}

function bodyField(operation) {
  const content = resolve(operation.requestBody).content;
  const schema = content?.['application/json']?.schema;
  if (!content) return {};
  const id = `${operation.operationId}-body`;
  const body = make('textarea', { id, spellcheck: 'false' });
  body.value = JSON.stringify(example(schema ?? {}), null, 2);
  body.rows = Math.min(20, Math.max(4, body.value.split('\n').length + 1));
  const views = Object.entries(content).map(([type, media]) => make('div', {}, make('p', {}, make('code', {}, type)), lazySchema(media.schema ?? {})));
  return { body, view: [make('h3', {}, make('label', { for: id }, 'Body')), body, ...views] };
}

/** The part of an operation that sends it. */
function tryOut(method, path, rows, body) {
  const answer = make('div', { class: 'answer', 'aria-live': 'polite' });
  const curl = make('pre', { tabindex: '0' });
  const refresh = () => (curl.textContent = curlLine(requestOf(method, path, rows, body)));
  const button = make('button', { type: 'submit', class: `send ${method}` }, 'Send');
  const copy = make('button', { type: 'button', click: async () => {
    await navigator.clipboard?.writeText(curl.textContent);
    copy.textContent = 'Copied';
  } }, 'Copy');
  refresh();
  const submit = async (event) => {
    event.preventDefault();
    refresh();
    button.disabled = true;
    try {
      await send(requestOf(method, path, rows, body), answer);
    } catch (error) {
      answer.replaceChildren(make('p', { class: 'failed' }, `No answer: ${error.message}`));
    }
    button.disabled = false;
  };
  const changes = method === 'get' ? '' : make('span', { class: 'dim' }, 'This goes to the server that you are looking at.');
  return { submit, refresh, view: [make('div', { class: 'buttons' }, button, copy, changes), curl, answer] };
}

/** What comes back. The schema of errors, which is always the same, is shown once. */
function responsesView(operation) {
  const isError = (media) => media.schema?.$ref?.endsWith('/Error');
  const rows = Object.entries(operation.responses).map(([status, reference]) => {
    const response = resolve(reference);
    const contents = Object.entries(response.content ?? {}).map(([type, media]) => [
      make('div', {}, make('code', {}, type), ' ', make('span', { class: 'type' }, typeName(media.schema ?? {}))),
      ...(isError(media) ? [] : parts(media.schema ?? {}).map(lazySchema)),
    ]);
    return [make('dt', { class: 'status' }, status), make('dd', {}, inline(response.description ?? ''), ...contents.flat())];
  });
  const error = lazySchema({ $ref: '#/components/schemas/Error' });
  return [make('h3', {}, 'Answers'), make('dl', { class: 'fields' }, rows.flat()), make('div', { class: 'below' }, error)];
}

function inside(method, path, operation) {
  const rows = (operation.parameters ?? []).map((parameter) => parameterRow(operation, resolve(parameter)));
  const { body, view } = bodyField(operation);
  const { submit, refresh, view: sending } = tryOut(method, path, rows, body);
  const parameters = rows.length ? [make('h3', {}, 'Parameters'), make('dl', { class: 'fields' }, rows.flatMap(({ row }) => row))] : [];
  return make('div', { class: 'inside' },
    ...prose(operation.description),
    make('form', { submit, input: refresh }, ...parameters, ...(view ?? []), ...sending),
    ...responsesView(operation));
}

function operationView(method, path, operation) {
  const details = make('details', { class: 'operation', id: operation.operationId },
    make('summary', {},
      make('span', { class: `method ${method}` }, method),
      make('span', { class: 'path' }, path),
      make('span', { class: 'dim' }, operation.summary ?? '')));
  details.addEventListener('toggle', () => details.append(inside(method, path, operation)), { once: true });
  details.words = [method, path, operation.summary, operation.description].join(' ').toLowerCase();
  return details;
}

/** The operations with this tag, as a section of the page and one of the contents. */
function section(tag) {
  const operations = Object.entries(description.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags?.includes(tag.name)).map((method) => [method, path, item[method]]));
  const links = operations.map(([, , operation]) => make('li', {}, make('a', { href: `#${operation.operationId}` }, operation.summary ?? operation.operationId)));
  byId('links').append(make('h2', {}, tag.name), make('ul', {}, links));
  return make('section', {}, make('h2', {}, tag.name), ...prose(tag.description), operations.map((operation) => operationView(...operation)));
}

/** Leaves the operations that have all the words. */
function find() {
  const words = byId('find').value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const section of document.querySelectorAll('main section')) {
    let shown = 0;
    for (const operation of section.querySelectorAll('.operation')) {
      operation.hidden = !words.every((word) => operation.words.includes(word));
      shown += operation.hidden ? 0 : 1;
    }
    section.hidden = shown === 0;
    count += shown;
  }
  byId('found').textContent = words.length ? `${count} operations` : '';
}

/** Opens the operation that the address names. */
function open() {
  const operation = byId(decodeURIComponent(location.hash.slice(1)));
  if (operation?.matches('.operation')) {
    operation.open = true;
    operation.scrollIntoView();
  }
}

async function start() {
  const response = await fetch(api);
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  description = await response.json();
  byId('version').textContent = description.info.version;
  byId('about').append(...prose(description.info.description));
  byId('list').replaceChildren(...(description.tags ?? []).map(section));
  byId('tools').addEventListener('submit', (event) => event.preventDefault());
  byId('find').addEventListener('input', find);
  byId('contents').open = matchMedia('(min-width: 52rem)').matches;
  addEventListener('hashchange', open);
  open();
}

start().catch((error) => byId('list').replaceChildren(make('p', { class: 'failed' }, `The description cannot be read: ${error.message}`)));
