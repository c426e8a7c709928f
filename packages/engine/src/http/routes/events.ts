import type { FastifyInstance } from 'fastify'
import type { EngineCore } from '../../core.js'
import type { EngineEvent } from '../../events/event-bus.js'
import { jsonLine, JsonLines } from '../json-lines.js'
import { Query, type Filters } from '../query.js'
import { whenTime } from '../wall-clock.js'

const known = [
  'config',
  'container',
  'daemon',
  'event',
  'id',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
]

/** `GET /events`. */
export function eventRoutes(app: FastifyInstance, engine: EngineCore): void {
  const lineOf = memoizeLast(jsonLine)
  app.get('/events', async (request, reply) => {
    const query = new Query(request)
    const filters = query.filters(known)
    const since = query.nanos('since')
    const until = query.nanos('until')
    const isWanted = (event: EngineEvent): boolean => {
      const time = BigInt(Math.floor(event.timeNano))
      return time >= since && (until === 0n || time <= until) && matches(event, filters)
    }
    const lines = new JsonLines(reply)
    // those of the past go first, as fast as the client reads
    let waiting: EngineEvent[] | undefined =
      since !== 0n || until !== 0n ? engine.events.past().filter(isWanted) : []
    const end = (): void => {
      listening[Symbol.dispose]()
      reply.raw.end()
    }
    const listening = engine.events.listen((event) => {
      if (!isWanted(event)) return
      if (waiting === undefined) lines.postLine(lineOf(event))
      else waiting.push(event)
      // whoever does not read loses the connection, not we our memory
      if (reply.raw.writableLength > maxUnread || (waiting?.length ?? 0) > maxWaiting) reply.raw.destroy()
    })
    lines.signal.addEventListener('abort', end)
    for (const event of waiting) await lines.send(event)
    waiting = undefined
    if (until !== 0n) void whenTime(Number(until / 1_000_000n), lines.signal).then(end)
  })
}

/** `convert` that makes the same value only once: all clients that listen are sent the same bytes. */
function memoizeLast<T extends object, U>(convert: (value: T) => U): (value: T) => U {
  let last: { readonly of: T; readonly value: U } | undefined
  return (of) => (last = last?.of === of ? last : { of, value: convert(of) }).value
}

/** Bytes of events that wait for a client. */
const maxUnread = 4 * 1024 * 1024

/** Events that wait for a client that still reads those of the past. */
const maxWaiting = 4096

/** Of a container, with or without its tag. */
function isImage(image: string | undefined, wanted: string): boolean {
  return image === wanted || image?.replace(/:[^:/]*$/, '') === wanted
}

function matches({ Type, Action, Actor }: EngineEvent, filters: Filters): boolean {
  const { ID, Attributes } = Actor
  const isActor = (type: string) => (wanted: string) =>
    Type === type && (ID.startsWith(wanted) || (Attributes['name'] ?? '').startsWith(wanted))
  return (
    filters.any('type', (type) => type === Type) &&
    filters.any('event', (action) => action === Action || Action.startsWith(`${action}:`)) &&
    filters.any('container', isActor('container')) &&
    filters.any('image', (wanted) => isActor('image')(wanted) || isImage(Attributes['image'], wanted)) &&
    filters.any('volume', isActor('volume')) &&
    filters.any('network', isActor('network')) &&
    filters.any('scope', (scope) => scope === 'local') &&
    filters.labels(Attributes)
  )
}
