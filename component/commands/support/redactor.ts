import { redactText } from '../../configuration/redact-setting.ts';
import type { RuntimeConfig } from '../../contract/config.ts';
import type { SecretReference } from '../../contract/config-values.ts';

/** Shorter ones would take ordinary words out of every text. */
const SHORTEST = 4;
/** What the nucleus gives to components beside what they are configured with. */
const SECRET_VARIABLES = [
  'SVCUID',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
];
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/-]+=*/gi, '$1 [secret]'],
  [/\b(AKIA|ASIA)[0-9A-Z]{16}\b/g, '[secret]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[secret]'],
  [
    /((?:password|passwd|pwd|token|secret|authorization)["']?\s*[:=]\s*)(?!["']?\s*[{[])("[^"]*"|'[^']*'|[^\s,;}\]]+)/gi,
    '$1[secret]',
  ],
];

/** Takes out of texts what must not leave the device: known secrets in any form, and what looks like one. */
export class Redactor {
  readonly #secrets: readonly string[];

  constructor(secrets: readonly string[]) {
    this.#secrets = [
      ...new Set(
        secrets
          .filter((secret) => secret.length >= SHORTEST)
          .flatMap((secret) => [
            secret,
            encodeURIComponent(secret),
            JSON.stringify(secret).slice(1, -1),
            Buffer.from(secret).toString('base64'),
          ]),
      ),
    ].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    const known = this.#secrets.reduce((rest, one) => rest.replaceAll(one, '[secret]'), text);
    return PATTERNS.reduce(
      (rest, [pattern, replacement]) => rest.replaceAll(pattern, replacement),
      redactText(known),
    );
  }
}

/** Every secret that can be read: where the configuration says, and in the environment of the runtime. */
export async function readableSecrets(
  config: RuntimeConfig,
  environment: Readonly<Record<string, string>>,
  readSecret: (reference: SecretReference) => Promise<string>,
): Promise<string[]> {
  const secrets = SECRET_VARIABLES.flatMap((name) => environment[name] ?? []);
  for (const reference of referencesIn(config, '')) {
    const own = 'env' in reference ? environment[reference.env] : undefined;
    // Who may not read a secret has none of its bytes to give away, and the log has none either.
    const secret = own ?? (await readSecret(reference).catch(() => undefined));
    if (secret !== undefined) secrets.push(secret.trim());
  }
  return secrets;
}

function referencesIn(node: unknown, key: string): SecretReference[] {
  if (typeof node !== 'object' || node === null) return [];
  const map = node as Record<string, unknown>;
  if (/password|token|secret|key/i.test(key)) {
    const { file, env } = map;
    if (typeof file === 'string') return [{ file }];
    if (typeof env === 'string') return [{ env }];
  }
  return Object.entries(map).flatMap(([name, one]) => referencesIn(one, name));
}
