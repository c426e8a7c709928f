import { printLine } from '../../output/pipe-end.js'
import { parseTemplate } from '../../output/template.js'
import type { Filters } from '../backend.js'
import { DaemonClient } from './daemon-client.js'
import { jsonLines } from './json-lines.js'

/** Which events, and how they are shown. */
export interface EventsRequest {
  readonly filters: Filters
  readonly format: string | undefined
  /** Seconds since 1970. */
  readonly since: string | undefined
  /** Seconds since 1970. */
  readonly until: string | undefined
  readonly signal: AbortSignal
}

interface Event {
  readonly Type: string
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null }
  readonly time: number
  readonly timeNano: number
}

/** Prints what happens, until the daemon ends it. */
export async function printEvents(
  host: string,
  { filters, format, since, until, signal }: EventsRequest,
): Promise<void> {
  const show = format === undefined ? textOf : parseTemplate(format === 'json' ? '{{json .}}' : format)
  using client = new DaemonClient(host)
  const query = { filters, since, until }
  const answer = await client.stream('GET', '/events', { query, signal })
  for await (const event of jsonLines<Event>(answer)) printLine(show(event))
}

/** Docker's line of an event. */
function textOf(event: unknown): string {
  const { Type, Action, Actor, time, timeNano } = event as Event
  const at = new Date(time * 1000).toISOString().replace(/\.\d+Z$/, '')
  const nanoseconds = String(timeNano).slice(-9).padStart(9, '0')
  const attributes = Object.entries(Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
  const shown = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`
  return `${at}.${nanoseconds}Z ${Type} ${Action} ${Actor.ID}${shown}`
}
