// The editor's parts. Loaded when the page opens, so that no other page pays for them.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, indentUnit } from '@codemirror/language';
import { setDiagnostics } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder,
  ViewPlugin,
  type DecorationSet,
  type ViewUpdate,
} from '@codemirror/view';
import { complete, type Known } from './completion';
import { tokensOf } from './tokens';

export interface EditorOptions {
  readonly doc: string;
  readonly label: string;
  readonly hint: string;
  readonly known: () => Known;
  readonly onchange: (doc: string) => void;
  readonly onrun: () => void;
}

/**
 * The editor in a shadow tree: there CodeMirror puts its styles into adopted style sheets, which the content security policy
 * allows; in the document it would add a style element, which the policy forbids.
 */
export function makeEditor(host: HTMLElement, options: EditorOptions): EditorView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const state = EditorState.create({ doc: options.doc, extensions: extensions(options) });
  return new EditorView({ state, parent: root, root });
}

export function showError(view: EditorView, place: number | null, message: string): void {
  const { state } = view;
  if (place === null) {
    view.dispatch(setDiagnostics(state, []));
    return;
  }
  const from = Math.min(place, state.doc.length);
  const word = /^[\p{L}\p{N}_]+|^./u.exec(state.doc.sliceString(from, from + 80))?.[0] ?? '';
  const start = word === '' ? Math.max(from - 1, 0) : from;
  const to = Math.min(start + Math.max(word.length, 1), state.doc.length);
  view.dispatch(setDiagnostics(state, [{ from: start, to, severity: 'error', message }]), {
    selection: { anchor: from },
    scrollIntoView: true,
  });
}

function extensions({ label, hint, known, onchange, onrun }: EditorOptions): Extension[] {
  return [
    // Before the others: Control+Enter runs, whatever else it could do.
    keymap.of([{ key: 'Mod-Enter', run: () => (onrun(), true) }]),
    lineNumbers(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    bracketMatching(),
    closeBrackets(),
    indentUnit.of('    '),
    EditorState.tabSize.of(4),
    EditorState.languageData.of(() => [{ commentTokens: { line: '#' } }]),
    autocompletion({ override: [(context) => complete(context, known())], icons: false }),
    keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocapitalize: 'off' }),
    EditorView.updateListener.of((update) => update.docChanged && onchange(update.state.doc.toString())),
    placeholder(hint),
    typedOver,
    colours,
    look,
  ];
}

/**
 * A letter that takes the place of a selection: left to itself, the browser keeps the look of the old text by an inline style, which the
 * content security policy forbids.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    if (event.inputType !== 'insertText' || event.data === null || empty || view.composing) return false;
    const text = event.data;
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type' });
    const handled = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, text, insert));
    if (!handled) view.dispatch(insert());
    return true;
  },
});

const colours = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = decorate(view.state.doc.toString());
    }

    update(update: ViewUpdate): void {
      if (update.docChanged) this.decorations = decorate(update.state.doc.toString());
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function decorate(program: string): DecorationSet {
  return Decoration.set(
    tokensOf(program).map(({ from, to, kind }) => Decoration.mark({ class: `tok-${kind}` }).range(from, to)),
  );
}

// The tokens of the design reach into the shadow tree.
const look = EditorView.theme({
  '&': {
    color: 'var(--text)',
    backgroundColor: 'transparent',
    fontSize: 'var(--code-size)',
    minHeight: '14rem',
    maxHeight: '60vh',
  },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.6', overflow: 'auto' },
  '.cm-content': { padding: '0.75rem 0', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--text-dim)', border: 'none', paddingLeft: '0.5rem' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--hover) 60%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--selection)',
  },
  '.cm-placeholder': { color: 'var(--text-dim)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--pressed)', outline: '1px solid var(--line-strong)' },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: '10px',
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    boxShadow: 'var(--shadow-2)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--font-mono)',
    fontSize: '0.8125rem',
    maxHeight: '16rem',
  },
  '.cm-tooltip-autocomplete ul li': { padding: '0.25rem 0.75rem !important' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--hover) !important',
    color: 'var(--text) !important',
  },
  '.cm-completionDetail': { color: 'var(--text-dim)', fontStyle: 'normal', marginLeft: '0' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700', color: 'var(--accent)' },
  '.cm-tooltip.cm-completionInfo': {
    padding: '0.5rem 0.75rem',
    maxWidth: '20rem',
    fontFamily: 'var(--font)',
    fontSize: '0.8125rem',
  },
  '.cm-completionInfo p': { margin: '0' },
  '.cm-diagnostic': {
    padding: '0.5rem 0.75rem',
    fontFamily: 'var(--font)',
    fontSize: '0.8125rem',
    whiteSpace: 'pre-wrap',
  },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--danger)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--danger)',
    textDecorationSkipInk: 'none',
    textUnderlineOffset: '3px',
    backgroundColor: 'var(--danger-soft)',
  },
  '.tok-comment': { color: 'var(--text-dim)', fontStyle: 'italic' },
  '.tok-string': { color: 'var(--code-string)' },
  '.tok-number, .tok-constant': { color: 'var(--code-number)' },
  '.tok-keyword, .tok-result': { color: 'var(--code-keyword)', fontWeight: '600' },
  '.tok-function': { color: 'var(--code-function)' },
  '.tok-placeholder': { color: 'var(--warning)', fontWeight: '600' },
});

export type { EditorView };
