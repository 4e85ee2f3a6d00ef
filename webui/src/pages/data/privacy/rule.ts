export type PrivacyAction = 'drop' | 'redact' | 'hash';

/** A rule as the form shows it. Fields that we do not know stay with it. */
export interface PrivacyRule {
  readonly enabled: boolean;
  readonly bucket_prefix: string;
  readonly field: string;
  readonly pattern: string;
  readonly action: PrivacyAction;
  readonly replacement: string;
  readonly others: Readonly<Record<string, unknown>>;
}

export const NEW_RULE: PrivacyRule = {
  enabled: true,
  bucket_prefix: '',
  field: 'title',
  pattern: '',
  action: 'drop',
  replacement: '***',
  others: {},
};

/** The rule of an entry of the setting, or null if the entry is something else: it is kept as it is. */
export function ruleOf(value: unknown): PrivacyRule | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { enabled, bucket_prefix, field, pattern, action, replacement, ...others } = value as Record<string, unknown>;
  if (typeof field !== 'string' || typeof pattern !== 'string') return null;
  if (action !== 'drop' && action !== 'redact' && action !== 'hash') return null;
  const text = (part: unknown, otherwise: string) => (typeof part === 'string' ? part : otherwise);
  return {
    enabled: enabled === true,
    bucket_prefix: text(bucket_prefix, ''),
    field,
    pattern,
    action,
    replacement: text(replacement, '***'),
    others,
  };
}

export function valueOf(rule: PrivacyRule): Record<string, unknown> {
  const { enabled, bucket_prefix, field, pattern, action, replacement, others } = rule;
  return {
    ...others,
    enabled,
    ...(bucket_prefix === '' ? {} : { bucket_prefix }),
    field,
    pattern,
    action,
    ...(action === 'redact' ? { replacement } : {}),
  };
}
