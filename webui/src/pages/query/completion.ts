import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { BUCKET_FUNCTIONS, FUNCTIONS, KEYS } from './functions';
import { tokenAt } from './tokens';

export interface Known {
  readonly buckets: readonly string[];
  /** Keys of the last result. */
  readonly keys: readonly string[];
  readonly describe: (name: keyof typeof FUNCTIONS) => string;
}

/** Inside a string: buckets or keys; elsewhere: functions, names of the program, and what is predefined. */
export function complete(context: CompletionContext, known: Known): CompletionResult | null {
  const program = context.state.doc.toString();
  const token = tokenAt(program, context.pos);
  if (token?.kind === 'comment') return null;
  if (token?.kind === 'string') return inString(context, known, program, token.from);
  const word = context.matchBefore(/[\p{L}_][\p{L}\p{N}_]*/u);
  if (word === null && !context.explicit) return null;
  return {
    from: word?.from ?? context.pos,
    options: [...names(program, context.pos), ...functions(known)],
    validFor: /^[\p{L}\p{N}_]*$/u,
  };
}

function inString(context: CompletionContext, known: Known, program: string, start: number): CompletionResult | null {
  const from = start + 1;
  const call = /([\p{L}_][\p{L}\p{N}_]*)\s*\(\s*$/u.exec(program.slice(0, start));
  const isBucket = call?.[1] !== undefined && BUCKET_FUNCTIONS.includes(call[1]);
  if (!isBucket && !context.explicit && context.pos === from) return null;
  const values = isBucket ? known.buckets : [...new Set([...KEYS, ...known.keys])];
  const options = values.map((label): Completion => ({ label, type: isBucket ? 'bucket' : 'key' }));
  return { from, options, validFor: /^[^"']*$/ };
}

function functions(known: Known): Completion[] {
  return (Object.entries(FUNCTIONS) as [keyof typeof FUNCTIONS, string][]).map(([label, args]) => ({
    label,
    type: 'function',
    detail: `(${args})`,
    info: () => Object.assign(document.createElement('p'), { textContent: known.describe(label) }),
    apply: (view, _, from, to) => {
      const insert = `${label}(`;
      view.dispatch({
        changes: { from, to, insert: `${insert})` },
        selection: { anchor: from + insert.length + (args === '' ? 1 : 0) },
      });
    },
  }));
}

const PREDEFINED = [
  'RETURN',
  'TIMEINTERVAL',
  'STARTTIME',
  'ENDTIME',
  'NAME',
  '__CATEGORIES__',
  'true',
  'false',
  'if',
  'else',
];

function names(program: string, before: number): Completion[] {
  const own = [...program.slice(0, before).matchAll(/(?:^|[;{\n])\s*([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)/gu)].map(
    (m) => m[1] ?? '',
  );
  const variables = [...new Set(own)].filter((name) => !PREDEFINED.includes(name));
  return [
    ...variables.map((label): Completion => ({ label, type: 'variable', boost: 2 })),
    ...PREDEFINED.map((label): Completion => ({ label, type: 'constant' })),
  ];
}
