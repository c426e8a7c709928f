import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { EngineTlsOptions } from '@ctr/engine'
import { onEndSignal } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { messageOf } from '../errors.js'
import { collectWhenIdle } from '../idle-collection.js'
import { parsePairs } from '../options/parse-pairs.js'
import { printError, printLine } from '../output/pipe-end.js'
import { compileAtOnce } from './compile-at-once.js'

interface DaemonFlags {
  readonly host?: readonly string[]
  readonly tls?: boolean
  readonly tlsverify?: boolean
  readonly tlscacert: string
  readonly tlscert: string
  readonly tlskey: string
  readonly allowTcpWithoutClientCertificates?: boolean
  readonly logDriver?: string
  readonly logOpt?: readonly string[]
  readonly metricsAddr?: string
  readonly root?: string
  readonly state?: string
}

/** `ctrjs daemon`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option(
      '-H, --host <address>',
      'where clients reach it: unix:///path.sock, tcp://HOST:PORT, fd:// (sockets of systemd); may be given several times',
      collect,
    )
    .option('--tls', 'speak TLS on TCP; implied by --tlsverify')
    .option('--tlsverify', 'serve only clients with a certificate of --tlscacert')
    .option('--tlscacert <file>', 'authority of the certificates of clients', certificate('ca.pem'))
    .option('--tlscert <file>', 'our certificate', certificate('cert.pem'))
    .option('--tlskey <file>', 'its key', certificate('key.pem'))
    .option(
      '--allow-tcp-without-client-certificates',
      'let everybody who reaches the port be root on this machine',
    )
    .option('--log-driver <name>', 'how output of containers is kept by default (default "json-file")')
    .option('--log-opt <name=value>', 'an option of that; may be given several times', collect)
    .option(
      '--metrics-addr <host:port>',
      'where Prometheus finds /metrics, as 127.0.0.1:9323; open to all there',
    )
    // as before the command, where dockerd's users do not look for them
    .option('--root <folder>', 'images, layers and containers')
    .option('--state <folder>', 'what a reboot ends')
    .action(async (flags: DaemonFlags) => {
      await serve(cli, flags)
    })
}

/** Serves until a signal asks us to end. Containers go on. */
async function serve(cli: Cli, flags: DaemonFlags): Promise<void> {
  const { host: hosts, logDriver, logOpt, metricsAddr: metricsAddress } = flags
  const { root, state } = { ...cli.globals(), ...flags }
  const { client, policy } = await cli.registries()
  const { Engine } = await cli.loadEngine()
  const onError = (error: unknown): void => printError(`ctrjs: ${messageOf(error)}`)
  // a mistake in the answer to one client must not end the daemon for all others
  process.on('uncaughtException', onError)
  process.on('unhandledRejection', onError)
  const ended = new Promise<void>((resolve) => {
    onEndSignal(() => resolve())
  })
  const engine = await Engine.start({
    root,
    state,
    hosts,
    tls: tlsOf(flags),
    allowTcpWithoutClientCertificates: flags.allowTcpWithoutClientCertificates,
    log: { driver: logDriver, options: parsePairs(logOpt ?? [], '--log-opt', { needsValue: true }) },
    metricsAddress,
    onError,
    registries: client,
    policy,
  })
  using _compiling = compileAtOnce()
  for (const host of engine.hosts) printLine(`API listen on ${host}`)
  if (engine.metricsUrl !== undefined) printLine(`metrics on ${engine.metricsUrl}`)
  {
    using _collection = collectWhenIdle()
    await ended
  }
  await engine.close()
}

function tlsOf({ tls, tlsverify, tlscacert, tlscert, tlskey }: DaemonFlags): EngineTlsOptions | undefined {
  if (tls !== true && tlsverify !== true) return undefined
  return { cert: tlscert, key: tlskey, clientCa: tlsverify === true ? tlscacert : undefined }
}

/** Where Docker looks for a certificate. */
function certificate(name: string): string {
  return join(process.env['DOCKER_CERT_PATH'] ?? join(homedir(), '.docker'), name)
}
