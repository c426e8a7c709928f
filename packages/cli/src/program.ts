import { Command, type Help } from 'commander'
import type { Runtime, UserNamespaceOption } from '@ctr/runtime'
import { isReadable } from '@ctr/start'
import type { Cli, Globals, LoadEngine } from './cli.js'
import { collect } from './options/collect.js'
import { needsRuntime } from './errors.js'
import { commands } from './commands/index-of-commands.js'
import { ownVersion } from './version.js'

/** Everything that the program keeps while one command runs. */
export interface Invocation {
  readonly program: Command
  /** The command that was called, `ctrjs` itself until then: for what help to point to. */
  readonly called: () => Command
  readonly exitCode: () => number
}

/** Builds the tree of commands. Only the one that is called loads its code, before its options are read. */
export function createProgram(loadEngine: LoadEngine): Invocation {
  const program = plain(new Command('ctrjs'))
  let exitCode = 0
  let called = program
  const daemon = (): string | undefined => program.opts<Globals>().host ?? fromEnvironment('DOCKER_HOST')
  const cli: Cli = {
    globals: () => program.opts<Globals>(),
    loadEngine,
    async registries(own) {
      const { registrySettings } = await import('./registries/registry-settings.js')
      return await registrySettings(program.opts<Globals>(), own)
    },
    daemon,
    async open() {
      if (daemon() !== undefined) throw needsRuntime(`run ${fullName(called)}`)
      return await openRuntime(program.opts<Globals>())
    },
    async backend() {
      const host = daemon()
      if (host === undefined) {
        const { LocalBackend } = await import('./backend/local/local-backend.js')
        return new LocalBackend(await openRuntime(program.opts<Globals>()), () => cli.registries())
      }
      const { RemoteBackend } = await import('./backend/remote/remote-backend.js')
      return RemoteBackend.at(host)
    },
    exit: (code) => {
      exitCode = code
    },
  }
  program
    .usage('[OPTIONS] COMMAND')
    .description('Containers from the command line')
    .option(
      '-H, --host <address>',
      'Daemon to talk to instead of working without one: unix:///path.sock, tcp://HOST:PORT (or $DOCKER_HOST)',
    )
    .option('--root <folder>', 'Images, layers and containers (default "/var/lib/ctrjs", or $CTRJS_ROOT)')
    .option('--state <folder>', 'What a reboot ends (default "/run/ctrjs", or $CTRJS_STATE)')
    .option(
      '--userns-remap <user>',
      'Run containers in user namespaces with the ids of this user in /etc/subuid ("default" is dockremap; or $CTRJS_USERNS_REMAP)',
    )
    .option(
      '--registries-conf <file>',
      'How registries are reached and whose images are taken (default "/etc/ctrjs/registries.json", or $CTRJS_REGISTRIES_CONF)',
    )
    .option('--registry-mirror <host>', 'Where images of docker.io are read from first', collect)
    .option(
      '--insecure-registry <host>',
      'Registry (or network of registries) whose certificate is not checked, or that speaks plain HTTP',
      collect,
    )
    .version(ownVersion(), '-v, --version', 'Print version information and quit')
    .addHelpText('after', "\nRun 'ctrjs COMMAND --help' for more information on a command.")
    .hook('preSubcommand', async (_program, command) => {
      called = command
      const entry = commands.find(({ name }) => name === command.name())
      if (entry === undefined) return
      const { define } = await entry.load()
      define(command, cli)
      for (const inner of command.commands) plain(inner)
      command.hook('preSubcommand', (_command, inner) => {
        called = inner
      })
    })
  for (const { name, summary, common = false } of commands) {
    const command = plain(new Command(name)).description(summary).passThroughOptions()
    program.addCommand(command.helpGroup(common ? 'Common Commands:' : 'Commands:'))
  }
  return { program, called: () => called, exitCode: () => exitCode }
}

async function openRuntime({ root, state, usernsRemap }: Globals): Promise<Runtime> {
  const { Runtime } = await import('@ctr/runtime')
  const remap = usernsRemap ?? fromEnvironment('CTRJS_USERNS_REMAP')
  return await Runtime.open({
    root: root ?? fromEnvironment('CTRJS_ROOT'),
    state: state ?? fromEnvironment('CTRJS_STATE'),
    userNamespace: remap === undefined ? undefined : await remapTo(remap),
  })
}

/** A command as it is called: `ctrjs network create`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

/** Docker's layout of help, and errors thrown instead of printed. */
function plain(command: Command): Command {
  return command
    .enablePositionalOptions()
    .exitOverride()
    .helpOption('--help', 'Print usage')
    .helpCommand(false)
    .configureOutput({
      writeErr: () => undefined,
      writeOut: (text) => isReadable(process.stdout) && process.stdout.write(text),
    })
    .configureHelp({
      styleTitle: (title) => (title === 'Usage:' ? 'Usage: ' : title),
      visibleArguments: () => [],
      subcommandTerm: (inner) => inner.name(),
      optionTerm: ({ short, flags }) =>
        (short === undefined ? '    ' : '') + flags.replace(/<([\w-]+)>/, '$1'),
    } satisfies Partial<Help>)
}

/** Loaded only where it is asked for. */
async function remapTo(user: string): Promise<UserNamespaceOption> {
  const { remapOf } = await import('./options/parse-userns.js')
  return remapOf(user)
}

function fromEnvironment(name: string): string | undefined {
  const value = process.env[name]
  return value === '' ? undefined : value
}
