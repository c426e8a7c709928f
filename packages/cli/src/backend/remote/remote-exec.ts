import { setTimeout as sleep } from 'node:timers/promises'
import type { Attached } from '../../attach/attach.js'
import { detachKeysOf } from '../../options/join-flags.js'
import type { ExecRequest } from '../backend.js'
import type { DaemonClient } from './daemon-client.js'
import { attachedTo } from './remote-attached.js'
import { set } from './set.js'

interface InspectedExec {
  readonly Running: boolean
  readonly ExitCode: number | null
}

const askEveryMs = 20

/** Runs a program in a container of a daemon. `containerPath` is the path of the container in the API. */
export async function execOnDaemon(
  client: DaemonClient,
  containerPath: string,
  request: ExecRequest,
): Promise<Attached | undefined> {
  const { command, env, cwd, user, privileged, stdin, tty, size, detach, detachKeys } = request
  const keys = detachKeysOf(detachKeys)
  const { Id } = await client.json<{ readonly Id: string }>('POST', `${containerPath}/exec`, {
    body: set({
      AttachStdin: stdin && !detach,
      AttachStdout: !detach,
      AttachStderr: !detach,
      Tty: tty,
      Privileged: privileged,
      Cmd: command,
      Env: Object.entries(env).map((pair) => pair.join('=')),
      User: user,
      WorkingDir: cwd,
      DetachKeys: detachKeys,
    }),
  })
  const path = `/exec/${Id}`
  const started = { body: { Detach: detach, Tty: tty } }
  if (detach) {
    await client.json('POST', `${path}/start`, started)
    return undefined
  }
  const socket = await client.connect(`${path}/start`, started)
  const resize = async ({
    rows,
    columns,
  }: {
    readonly rows: number
    readonly columns: number
  }): Promise<void> => {
    await client.json('POST', `${path}/resize`, { query: { h: rows, w: columns } })
  }
  const ended = new Promise<void>((resolve) => socket.once('end', resolve).once('close', resolve))
  const exitCode = async (): Promise<number | null> => {
    await ended
    // there is no way to be told of the end; the connection ends with it, or a moment before
    for (;;) {
      const { Running, ExitCode } = await client.json<InspectedExec>('GET', `${path}/json`)
      if (!Running) return ExitCode
      await sleep(askEveryMs)
    }
  }
  const attached = attachedTo(socket, {
    ...{ stdin, tty, keys, exitCode, resize },
    kill: () => Promise.resolve(), // the API cannot signal it
  })
  if (tty && size !== undefined) await resize(size).catch(() => undefined)
  return attached
}
