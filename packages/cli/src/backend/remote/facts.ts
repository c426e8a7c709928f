import { DaemonClient } from './daemon-client.js'

/** What a daemon says of itself: its answer to `/version` or `/info`. */
export async function factsOf(
  host: string,
  what: 'version' | 'info',
): Promise<Readonly<Record<string, unknown>>> {
  using client = new DaemonClient(host)
  return await client.json('GET', `/${what}`)
}

/** The plain members of such an answer, a line each. */
export function factLines(facts: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(facts).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [` ${name}: ${value}`]
      : [],
  )
}
