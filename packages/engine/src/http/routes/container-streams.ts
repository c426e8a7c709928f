import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ManagedContainer } from '../../containers/managed-container.js'
import type { RunResult } from '../../containers/run-waiters.js'
import type { EngineCore } from '../../core.js'
import { ApiError, badRequest } from '../../errors.js'
import type { LogQuery } from '../../logs/entry.js'
import { attach, clientListener } from '../../streams/attach.js'
import { parseDetachKeys } from '../../streams/detach-keys.js'
import { multiplexedType, rawType, type StreamName } from '../../streams/frame.js'
import { hijack } from '../hijack.js'
import { Query } from '../query.js'

/** `attach`, `logs` and `wait`. */
export function containerStreamRoutes(app: FastifyInstance, engine: EngineCore): void {
  const named = (request: FastifyRequest): ManagedContainer =>
    engine.containers.get((request.params as { id: string }).id)

  app.post('/containers/:id/attach', async (request, reply) => {
    const container = named(request)
    const query = new Query(request)
    const streams = streamsOf(query)
    const stdin = query.flag('stdin')
    const detachKeys = parseDetachKeys(query.text('detachKeys'))
    if (container.status === 'paused')
      throw new ApiError(409, `Container ${container.id} is paused, unpause the container before attach.`)
    const client = hijack(request, reply, typeOf(container))
    engine.events.emit('container', 'attach', container.id, attributesOf(container))
    const onDetach = (): void => engine.emitOf(container, 'detach', {})
    if (query.flag('logs') && container.log.isReadable)
      await sendLog(container, client.writable, { ...everything, streams })
    if (query.flag('stream')) attach(container, client, { streams, stdin, detachKeys, onDetach })
    else client.writable.end()
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
      timestamps: query.flag('timestamps'),
      details: query.flag('details'),
    })
    reply.raw.end()
  })

  app.post('/containers/:id/wait', async (request, reply) => {
    const container = named(request)
    const ended = waitFor(container, new Query(request).text('condition') ?? 'not-running')
    // clients start the container when they have the headers
    reply.hijack()
    reply.raw.writeHead(200, { 'Content-Type': 'application/json' })
    reply.raw.flushHeaders()
    const { exitCode } = await ended
    reply.raw.end(`${JSON.stringify({ StatusCode: exitCode })}\n`)
  })
}

function waitFor(container: ManagedContainer, condition: string): Promise<RunResult> {
  switch (condition) {
    case 'not-running':
      return container.isRunning || container.status === 'restarting'
        ? container.waiters.nextEnd()
        : Promise.resolve({ exitCode: container.document.exitCode })
    case 'next-exit':
      return container.waiters.nextEnd()
    case 'removed':
      return container.waiters.removal()
    default:
      throw badRequest(`invalid condition: ${JSON.stringify(condition)}`)
  }
}

const everything: Omit<LogQuery, 'streams'> = { follow: false, tail: undefined, since: 0n, until: 0n }

/** Sends entries as they are read, no faster than the client takes them. */
async function sendLog(
  container: ManagedContainer,
  writable: FastifyReply['raw'] | NodeJS.WritableStream,
  query: LogQuery,
  { timestamps = false, details = false } = {},
): Promise<void> {
  const gone = new AbortController()
  const stream = writable as FastifyReply['raw']
  stream.on('close', () => gone.abort()).on('error', () => gone.abort())
  // as Docker's client writes details
  const pairs = Object.entries(container.log.attributes).sort(([a], [b]) => (a < b ? -1 : 1))
  const extra = details ? `${pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join(',')} ` : ''
  const client = clientListener(stream, query.streams, container.document.body.Tty === true)
  for await (const { log, stream: name, time } of container.log.read(
    query,
    () => container.isRunning,
    gone.signal,
  )) {
    if (gone.signal.aborted) return
    const text = `${timestamps ? `${time} ` : ''}${extra}${log}`
    if (!client.write({ stream: name, bytes: Buffer.from(text) })) await client.ready()
  }
}

function streamsOf(query: Query): ReadonlySet<StreamName> {
  return new Set((['stdout', 'stderr'] as const).filter((name) => query.flag(name)))
}

function tailOf(query: Query): number | undefined {
  const text = query.text('tail')
  return text === undefined || !/^\d{1,9}$/.test(text) ? undefined : Number(text)
}

function typeOf({ document }: ManagedContainer): string {
  return document.body.Tty === true ? rawType : multiplexedType
}

function attributesOf({ document }: ManagedContainer): Record<string, string> {
  return { ...document.body.Labels, image: document.body.Image, name: document.name }
}
