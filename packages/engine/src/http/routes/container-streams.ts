import type { Writable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ManagedContainer } from '../../containers/managed-container.js'
import type { RunResult } from '../../containers/run-waiters.js'
import type { EngineCore } from '../../core.js'
import { ApiError, badRequest } from '../../errors.js'
import type { LogQuery } from '../../logs/entry.js'
import { attach, clientListener, type ClientStreams } from '../../streams/attach.js'
import { parseDetachKeys } from '../../streams/detach-keys.js'
import { multiplexedType, rawType, type StreamName } from '../../streams/frame.js'
import { hijack } from '../hijack.js'
import { Query } from '../query.js'
import { whenTime } from '../wall-clock.js'
import { acceptWebsocket } from '../websocket.js'

/** `attach`, `logs` and `wait`. */
export function containerStreamRoutes(app: FastifyInstance, engine: EngineCore): void {
  const named = (request: FastifyRequest): ManagedContainer =>
    engine.containers.get((request.params as { id: string }).id)

  /** @param open - Takes the connection over, once the request is known to be right. */
  async function serveAttach(
    request: FastifyRequest,
    wanted: { readonly streams: ReadonlySet<StreamName>; readonly stdin: boolean; readonly raw?: boolean },
    open: (container: ManagedContainer) => ClientStreams | Promise<ClientStreams>,
  ): Promise<void> {
    const container = named(request)
    const { streams, stdin, raw = isRaw(container) } = wanted
    const query = new Query(request)
    const detachKeys = parseDetachKeys(query.text('detachKeys'))
    if (container.status === 'paused')
      throw new ApiError(409, `Container ${container.id} is paused, unpause the container before attach.`)
    const client = await open(container)
    engine.emitOf(container, 'attach', {})
    const onDetach = (): void => engine.emitOf(container, 'detach', {})
    if (query.flag('logs') && container.log.isReadable)
      await sendLog(container, client.writable, { ...everything, streams }, { raw })
    if (query.flag('stream')) attach(container, client, { raw, streams, stdin, detachKeys, onDetach })
    else client.writable.end()
  }

  app.post('/containers/:id/attach', async (request, reply) => {
    const query = new Query(request)
    const wanted = { streams: streamsOf(query), stdin: query.flag('stdin') }
    await serveAttach(request, wanted, (container) => hijack(request, reply, typeOf(container)))
  })

  app.get('/containers/:id/attach/ws', async (request, reply) => {
    const query = new Query(request)
    // as Docker before version 1.42: all of them, for who names none
    const all = ['stdin', 'stdout', 'stderr'].every((name) => query.text(name) === undefined)
    const streams = all ? everyStream : streamsOf(query)
    const wanted = { streams, stdin: all || query.flag('stdin'), raw: true }
    await serveAttach(request, wanted, () => acceptWebsocket(request, reply))
  })

  app.get('/containers/:id/logs', async (request, reply) => {
    const container = named(request)
    const query = new Query(request)
    const streams = streamsOf(query)
    if (streams.size === 0) throw badRequest('Bad parameters: you must choose at least one stream')
    if (!container.log.isReadable)
      throw new ApiError(501, 'configured logging driver does not support reading')
    const wanted: LogQuery = {
      streams,
      follow: query.flag('follow'),
      tail: tailOf(query),
      since: query.nanos('since'),
      until: query.nanos('until'),
    }
    reply.hijack()
    reply.raw.writeHead(200, { 'Content-Type': typeOf(container) })
    reply.raw.flushHeaders()
    await sendLog(container, reply.raw, wanted, {
      raw: isRaw(container),
      timestamps: query.flag('timestamps'),
      details: query.flag('details'),
    })
    reply.raw.end()
  })

  app.post('/containers/:id/wait', async (request, reply) => {
    const container = named(request)
    const gone = new AbortController()
    const condition = new Query(request).text('condition') ?? 'not-running'
    const ended = waitFor(container, condition, gone.signal).catch(() => undefined)
    // clients start the container when they have the headers
    reply.hijack()
    reply.raw.writeHead(200, { 'Content-Type': 'application/json' })
    reply.raw.flushHeaders()
    reply.raw.on('close', () => gone.abort())
    const result = await ended
    if (result !== undefined) reply.raw.end(`${JSON.stringify({ StatusCode: result.exitCode })}\n`)
  })
}

function waitFor(container: ManagedContainer, condition: string, signal: AbortSignal): Promise<RunResult> {
  switch (condition) {
    case 'not-running':
      return container.isRunning || container.status === 'restarting'
        ? container.waiters.nextEnd(signal)
        : Promise.resolve({ exitCode: container.document.exitCode })
    case 'next-exit':
      return container.waiters.nextEnd(signal)
    case 'removed':
      return container.waiters.removal(signal)
    default:
      throw badRequest(`invalid condition: ${JSON.stringify(condition)}`)
  }
}

const everything: Omit<LogQuery, 'streams'> = { follow: false, tail: undefined, since: 0n, until: 0n }

/** Sends entries as they are read, no faster than the client takes them. */
async function sendLog(
  container: ManagedContainer,
  stream: Writable,
  query: LogQuery,
  {
    raw,
    timestamps = false,
    details = false,
  }: { readonly raw: boolean; readonly timestamps?: boolean; readonly details?: boolean },
): Promise<void> {
  const gone = new AbortController()
  // those who follow to a time go on until then, and read what was printed before
  let isOver = false
  const { until } = query
  if (query.follow && until !== 0n)
    void whenTime(Number(until / 1_000_000n), gone.signal).then(() => {
      isOver = true
      container.log.wake()
    })
  stream.on('close', () => gone.abort()).on('error', () => gone.abort())
  // as Docker's client writes details
  const pairs = Object.entries(container.log.attributes).sort(([a], [b]) => (a < b ? -1 : 1))
  const extra = details ? `${pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join(',')} ` : ''
  const client = clientListener(stream, query.streams, raw)
  const goesOn = (): boolean => container.isRunning && !isOver
  try {
    for await (const { log, stream: name, time } of container.log.read(query, goesOn, gone.signal)) {
      if (gone.signal.aborted) return
      const text = `${timestamps ? `${time} ` : ''}${extra}${log}`
      if (!client.write({ stream: name, bytes: Buffer.from(text) })) await client.ready()
    }
  } finally {
    gone.abort()
  }
}

const everyStream: ReadonlySet<StreamName> = new Set(['stdout', 'stderr'])

function streamsOf(query: Query): ReadonlySet<StreamName> {
  return new Set([...everyStream].filter((name) => query.flag(name)))
}

function tailOf(query: Query): number | undefined {
  const text = query.text('tail')
  return text === undefined || !/^\d{1,9}$/.test(text) ? undefined : Number(text)
}

/** A terminal has one stream: there is nothing to take apart. */
function isRaw({ document }: ManagedContainer): boolean {
  return document.body.Tty === true
}

function typeOf(container: ManagedContainer): string {
  return isRaw(container) ? rawType : multiplexedType
}
