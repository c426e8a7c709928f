import { attach } from '../../attach/attach.js'
import { exitCodeOfSignal, interruptible } from '../../attach/signals.js'
import { terminalSize } from '../../attach/terminal.js'
import { runFailure } from '../../commands/run-failure.js'
import { withImage } from '../../commands/with-image.js'
import { CliError, isCliError } from '../../errors.js'
import { writeCidFile } from '../../options/cid-file.js'
import { joinedStreams, passesSignals } from '../../options/join-flags.js'
import { printLine } from '../../output/pipe-end.js'
import type { CreateRequest } from '../create-request.js'
import { RemoteBackend } from './remote-backend.js'
import { RemoteContainer } from './remote-container.js'

/**
 * Runs a container of a daemon, attached or in the background.
 *
 * @returns Exit code of the process.
 */
export async function runOnDaemon(host: string, request: CreateRequest): Promise<number> {
  const { detach = false, interactive = false, tty = false, rm = false, detachKeys } = request.flags
  await using backend = RemoteBackend.at(host)
  using interrupt = interruptible()
  try {
    const id = await withImage(backend, request, interrupt.signal, () => backend.create(request))
    writeCidFile(request.flags.cidfile, id)
    const container = new RemoteContainer(backend.client, id)
    try {
      if (interrupt.signal.aborted)
        throw new CliError('ERR_CLI_RUN', 'cannot start the container: interrupted')
      if (detach) {
        await container.start()
        printLine(id)
        return 0
      }
      const joined = joinedStreams(request.flags)
      const program = await container.join(
        { streams: joined, tty, size: terminalSize(), detachKeys },
        () => container.wait(rm ? 'removed' : 'next-exit'),
        () => container.start(),
      )
      interrupt[Symbol.dispose]() // from here on signals are the container's
      if (!joined.has('stdout') && !joined.has('stderr')) printLine(id)
      return await attach(program, { interactive, sigProxy: passesSignals(request.flags) })
    } catch (error) {
      // one that did not come to run is removed with --rm, as it would be at its end
      if (rm && isNotStarted(error))
        await container.remove({ force: true, volumes: true }).catch(() => undefined)
      throw error
    }
  } catch (error) {
    const signal = interrupt.by()
    if (signal !== undefined) return exitCodeOfSignal(signal)
    throw startFailure(error)
  }
}

function isNotStarted(error: unknown): boolean {
  return isCliError(error) && (error.status !== undefined || error.code === 'ERR_CLI_RUN')
}

/** As Docker's client: what a daemon says of a program that cannot be executed tells the exit code. */
function startFailure(error: unknown): unknown {
  if (!isCliError(error) || error.status === undefined) return runFailure(error, 125)
  const { message } = error
  const isMissing = /executable file not found|no such file or directory|is not in the container/i.test(
    message,
  )
  const exitCode = isMissing
    ? 127
    : /permission denied|is a directory|not executable/i.test(message)
      ? 126
      : 125
  return new CliError('ERR_CLI_RUN', message, { exitCode, cause: error })
}
