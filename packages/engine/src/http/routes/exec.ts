import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ExecSession } from '../../containers/exec-session.js'
import type { EngineCore } from '../../core.js'
import { ApiError, toApiError } from '../../errors.js'
import { connectExec } from '../../streams/exec-streams.js'
import { parseDetachKeys } from '../../streams/detach-keys.js'
import { frame, multiplexedType, rawType } from '../../streams/frame.js'
import { hijack } from '../hijack.js'
import { limits } from '../limits.js'
import { execBody, execStartBody, type ExecBody, type ExecStartBody } from '../schemas/create-container.js'
import { sizeOf } from './containers.js'

/** Programs in running containers. */
export function execRoutes(app: FastifyInstance, engine: EngineCore): void {
  const { containers, execs } = engine
  const named = (request: FastifyRequest): ExecSession => execs.get((request.params as { id: string }).id)

  app.post('/containers/:id/exec', { schema: { body: execBody } }, async (request, reply) => {
    const container = containers.get((request.params as { id: string }).id)
    const body = request.body as ExecBody
    parseDetachKeys(orDefault(body.DetachKeys))
    if (!container.isRunning) throw new ApiError(409, `container ${container.id} is not running`)
    if (container.status === 'paused')
      throw new ApiError(409, `Container ${container.name} is paused, unpause the container before exec`)
    const session = execs.add(container, body)
    engine.emitOf(container, `exec_create: ${commandOf(body)}`, { execID: session.id })
    return await reply.code(201).send({ Id: session.id })
  })

  app.post('/exec/:id/start', { schema: { body: execStartBody } }, async (request, reply) => {
    const session = named(request)
    const { Detach, ConsoleSize, Tty } = (request.body ?? {}) as ExecStartBody
    const started = `exec_start: ${commandOf(session.body)}`
    const [rows = 0, columns = 0] = ConsoleSize ?? session.body.ConsoleSize ?? []
    if (rows > 0 && columns > 0) session.resize({ rows, columns })
    if (Detach === true) {
      await session.start({ detach: true })
      engine.emitOf(session.container, started, { execID: session.id })
      return await reply.code(200).send()
    }
    session.check()
    // as Docker: whoever starts it says how output comes
    const isRaw = Tty === true
    const client = hijack(request, reply, isRaw ? rawType : multiplexedType)
    try {
      const process = await session.start({ detach: false })
      engine.emitOf(session.container, started, { execID: session.id })
      await connectExec(process, client, {
        raw: isRaw,
        detachKeys: parseDetachKeys(orDefault(session.body.DetachKeys)),
        onDetach: () => engine.emitOf(session.container, 'exec_detach', { execID: session.id }),
      })
    } catch (error) {
      // the status was sent: clients print what comes, and ask for the exit code
      const bytes = Buffer.from(`${toApiError(error).message}\r\n`)
      client.writable.end(isRaw ? bytes : frame({ stream: 'stderr', bytes }))
    }
    return reply
  })

  app.post('/exec/:id/resize', async (request, reply) => {
    named(request).resize(sizeOf(request))
    await reply.code(200).send()
  })

  app.get('/exec/:id/json', (request) => {
    const { id, container, body, exitCode, isRunning, pid, canRemove } = named(request)
    const [entrypoint = '', ...args] = body.Cmd
    return {
      ID: id,
      ContainerID: container.id,
      Running: isRunning,
      ExitCode: exitCode,
      Pid: pid,
      OpenStdin: body.AttachStdin ?? false,
      OpenStdout: body.AttachStdout ?? false,
      OpenStderr: body.AttachStderr ?? false,
      CanRemove: canRemove,
      DetachKeys: body.DetachKeys ?? '',
      ProcessConfig: {
        tty: body.Tty ?? false,
        entrypoint,
        arguments: args,
        privileged: body.Privileged ?? false,
        user: body.User ?? '',
      },
    }
  })
}

function orDefault(keys: string | null | undefined): string | undefined {
  return keys == null || keys === '' ? undefined : keys
}

/** As Docker writes it in events: a blank behind a program without arguments. */
function commandOf({ Cmd: [program = '', ...args] }: ExecBody): string {
  const command = `${program} ${args.join(' ')}`
  const { commandCharacters: most } = limits
  // a copy: what is cut out of a text keeps all of it in memory, and events are kept
  return command.length <= most ? command : `${Buffer.from(command.slice(0, most)).toString()}...`
}
