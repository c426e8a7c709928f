import type { Container, RunOptions, Runtime } from '@ctr/runtime'
import { attach } from '../attach/attach.js'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import { checkTerminal, terminalSize } from '../attach/terminal.js'
import type { Cli } from '../cli.js'
import { needsDaemon, usageError } from '../errors.js'
import { checkCidFile, writeCidFile } from '../options/cid-file.js'
import { refuseDaemonFlags } from '../options/daemon-flags.js'
import { withDeviceRates } from '../options/device-rate-flags.js'
import { joinedStreams, passesSignals, type StreamName } from '../options/join-flags.js'
import { refuseMounts } from '../options/parse-mount.js'
import { checkPull } from '../options/parse-pull.js'
import { makeSources, parseVolume } from '../options/parse-volume.js'
import { runOptions, type RunFlags } from '../options/run-flags.js'
import { printError, printLine } from '../output/pipe-end.js'
import { codeOf, runFailure } from './run-failure.js'
import { withImage } from './with-image.js'

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
  const asked = runOptions(flags, target, command)
  if (detach && flags.attach !== undefined)
    throw usageError('conflicting options: -a, --attach and -d, --detach')
  const joined = joinedStreams(flags)
  const sigProxy = passesSignals(flags)
  checkPull(flags.pull)
  checkCidFile(flags.cidfile)
  if (!detach && flags.explain !== true) checkTerminal(interactive, tty)
  if (cli.daemon() !== undefined) {
    const { runOnDaemon } = await import('../backend/remote/run-on-daemon.js')
    return await runOnDaemon(cli.daemon()!, { flags, options: asked })
  }
  refuseDaemonFlags(flags)
  refuseMounts(flags.mount ?? [])
  if (detach && (tty || interactive))
    throw needsDaemon('keep input or a terminal for a container in the background (-d with -i or -t)')
  using interrupt = interruptible()
  try {
    const options = withDeviceRates(asked, flags)
    await using runtime = await cli.open()
    if (flags.explain === true) {
      await withImage(pulling(cli, runtime), { flags, options }, interrupt.signal, async () =>
        printLine((await runtime.explain(options)).trimEnd()),
      )
      return 0
    }
    warnOfNoNetwork(runtime, options)
    makeSources((flags.volume ?? []).map((text) => parseVolume(text)))
    const container = await withImage(pulling(cli, runtime), { flags, options }, interrupt.signal, () =>
      runtime.run({ ...options, ...streams(flags, joined), signal: interrupt.signal }),
    )
    interrupt[Symbol.dispose]() // from here on signals are the container's
    writeCidFile(flags.cidfile, container.id)
    if (detach || (!joined.has('stdout') && !joined.has('stderr'))) printLine(container.id)
    if (detach) return 0
    void container.networkLost().then((text) => text !== null && printError(`WARNING: ${text}`))
    return await attach(program(container), { interactive, sigProxy })
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

function streams(
  { detach, interactive, tty }: RunFlags,
  joined: ReadonlySet<StreamName>,
): Pick<RunOptions, 'detach' | 'stdin' | 'stdout' | 'stderr' | 'terminal'> {
  if (detach === true) return { detach, stdin: 'ignore', stdout: 'log', stderr: 'log' }
  if (tty === true) return { terminal: terminalSize() ?? true }
  const output = (name: StreamName): 'pipe' | 'ignore' => (joined.has(name) ? 'pipe' : 'ignore')
  return {
    stdin: interactive === true ? 'pipe' : 'ignore',
    stdout: output('stdout'),
    stderr: output('stderr'),
  }
}

/** What {@link withImage} needs. The runtime itself is closed by whoever has opened it. */
function pulling(cli: Cli, runtime: Runtime): Parameters<typeof withImage>[0] {
  return {
    pull: async (image, shown) => {
      const { pullImage } = await import('./pull-image.js')
      const { client, policy } = await cli.registries()
      return await pullImage(runtime, image, { ...shown, registries: client, policy })
    },
    isMissingImage: (error) => codeOf(error) === 'ERR_RUNTIME_IMAGE_NOT_FOUND',
  }
}
