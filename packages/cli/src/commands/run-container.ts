import type { Container, RunOptions, Runtime } from '@ctr/runtime'
import { attach } from '../attach/attach.js'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import { checkTerminal, terminalSize } from '../attach/terminal.js'
import type { Cli } from '../cli.js'
import { usageError } from '../errors.js'
import { makeSources } from '../options/parse-volume.js'
import { runOptions, type RunFlags } from '../options/run-flags.js'
import { printError, printLine } from '../output/pipe-end.js'
import { codeOf, runFailure } from './run-failure.js'

/**
 * Runs a container as the flags say, attached or in the background.
 *
 * @returns Exit code of the process.
 */
export async function runContainer(
  cli: Cli,
  flags: RunFlags,
  target: string,
  command: readonly string[],
): Promise<number> {
  const { detach = false, interactive = false, tty = false } = flags
  const options = runOptions(flags, target, command)
  if (!['always', 'missing', 'never'].includes(flags.pull)) {
    throw usageError(`invalid pull option: '${flags.pull}': must be one of "always", "missing" or "never"`)
  }
  if (detach && (tty || interactive))
    throw usageError(
      'cannot keep input or a terminal for a container in the background: -d stands without -i and -t',
    )
  if (!detach && flags.explain !== true) checkTerminal(interactive, tty)
  using interrupt = interruptible()
  try {
    await using runtime = await cli.open()
    if (flags.explain === true) {
      await withImage({ cli, runtime }, flags, options, interrupt.signal, async () =>
        printLine((await runtime.explain(options)).trimEnd()),
      )
      return 0
    }
    warnOfNoNetwork(runtime, options)
    makeSources(options.volumes ?? [])
    const container = await withImage({ cli, runtime }, flags, options, interrupt.signal, () =>
      runtime.run({ ...options, ...streams(flags), signal: interrupt.signal }),
    )
    interrupt[Symbol.dispose]() // from here on signals are the container's
    if (detach) {
      printLine(container.id)
      return 0
    }
    void container.networkLost().then((text) => text !== null && printError(`WARNING: ${text}`))
    return await attach(program(container), { interactive })
  } catch (error) {
    const signal = interrupt.by()
    if (signal !== undefined) return exitCodeOfSignal(signal)
    throw runFailure(error, 125)
  }
}

/** An ordinary user's containers may have none where nothing is said. */
function warnOfNoNetwork({ rootless }: Runtime, { network }: RunOptions): void {
  if (network !== undefined || rootless === undefined || rootless.network !== null) return
  printError(`WARNING: the container has no network: ${rootless.networkReason!}`)
}

function program(container: Container): Parameters<typeof attach>[0] {
  const { stdin, stdout, stderr, terminal } = container
  return {
    stdin,
    stdout,
    stderr,
    terminal,
    wait: () => container.wait(),
    kill: (signal) => container.kill(signal),
  }
}

function streams({
  detach,
  interactive,
  tty,
}: RunFlags): Pick<RunOptions, 'detach' | 'stdin' | 'stdout' | 'stderr' | 'terminal'> {
  if (detach === true) return { detach, stdin: 'ignore', stdout: 'log', stderr: 'log' }
  if (tty === true) return { terminal: terminalSize() ?? true }
  return { stdin: interactive === true ? 'pipe' : 'ignore', stdout: 'pipe', stderr: 'pipe' }
}

/** Does something that needs an image, and pulls the image first where it must be. */
async function withImage<T>(
  { cli, runtime }: { readonly cli: Cli; readonly runtime: Runtime },
  flags: RunFlags,
  { image, platform }: RunOptions,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  if (image === undefined) return await work()
  const pull = async (): Promise<void> => {
    const { pullImage } = await import('./pull-image.js')
    const { client, policy } = await cli.registries()
    await pullImage(runtime, image, {
      quiet: flags.quiet ?? false,
      stream: process.stderr,
      signal,
      platform,
      registries: client,
      policy,
    })
  }
  if (flags.pull === 'always') await pull()
  try {
    return await work()
  } catch (error) {
    if (codeOf(error) !== 'ERR_RUNTIME_IMAGE_NOT_FOUND' || flags.pull !== 'missing') throw error
    if (flags.quiet !== true) printError(`Unable to find image '${image}' locally`)
    await pull()
    return await work()
  }
}
