import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { RunOptions } from '@ctr/runtime'
import { collect } from '../cli.js'
import { readEnvironment } from './parse-env.js'
import { parseAmount, parseInteger } from './parse-number.js'
import { parseHosts } from './parse-hosts.js'
import { parseNetworks, type AttachFlags } from './parse-network.js'
import { parsePairs } from './parse-pairs.js'
import { parsePublish } from './parse-publish.js'
import { parseSecurity } from './parse-security.js'
import { parseSize } from './parse-size.js'
import { parseUserNamespace } from './parse-userns.js'
import { parseVolume } from './parse-volume.js'
import { addSandboxFlags, sandboxOptions, type SandboxFlags } from './sandbox-flags.js'

type List = readonly string[]

/** The flags of `run`, as they were typed. */
export interface RunFlags extends AttachFlags, SandboxFlags {
  readonly addHost?: List
  readonly capAdd?: List
  readonly capDrop?: List
  readonly cpuShares?: string
  readonly cpus?: string
  readonly cpusetCpus?: string
  readonly detach?: true
  readonly dns?: List
  readonly dnsOption?: List
  readonly dnsSearch?: List
  readonly entrypoint?: string
  readonly env?: List
  readonly envFile?: List
  readonly explain?: true
  readonly gidmap?: List
  readonly hostname?: string
  readonly interactive?: true
  readonly label?: List
  readonly memory?: string
  readonly memorySwap?: string
  readonly name?: string
  readonly pidsLimit?: string
  readonly platform?: string
  readonly publish?: List
  readonly pull: string
  readonly quiet?: true
  readonly readOnly?: true
  readonly rm?: true
  readonly rootfs?: true
  readonly securityOpt?: List
  readonly shmSize?: string
  readonly stopSignal?: string
  readonly sysctl?: List
  readonly tty?: true
  readonly uidmap?: List
  readonly user?: string
  readonly userns?: string
  readonly volume?: List
  readonly workdir?: string
}

/** Adds the flags of `run` to a command. */
export function addRunFlags(command: Command): void {
  command
    .option('--add-host <list>', 'Add a line to /etc/hosts (NAME:ADDRESS, NAME:host-gateway)', collect)
    .option('--cap-add <list>', 'Add Linux capabilities', collect)
    .option('--cap-drop <list>', 'Drop Linux capabilities', collect)
    .option('-c, --cpu-shares <int>', 'CPU shares (relative weight)')
    .option('--cpus <decimal>', 'Number of CPUs')
    .option('--cpuset-cpus <string>', 'CPUs in which to allow execution (0-3, 0,1)')
    .option('-d, --detach', 'Run container in background and print container ID')
    .option('--dns <list>', 'Set name servers', collect)
    .option('--dns-option <list>', 'Set options of name resolution', collect)
    .option('--dns-search <list>', 'Set search domains ("." for none)', collect)
    .option('--entrypoint <string>', 'Overwrite the default ENTRYPOINT of the image')
    .option('-e, --env <list>', 'Set environment variables', collect)
    .option('--env-file <list>', 'Read in a file of environment variables', collect)
    .option('--explain', 'Print every system call of the set-up instead of making it')
    .option('--gidmap <list>', 'Group ids of its user namespace (CONTAINER:HOST:COUNT)', collect)
    .option('-h, --hostname <string>', 'Container host name')
    .option('-i, --interactive', 'Keep STDIN open')
    .option('--ip <address>', 'IPv4 address (e.g., 172.30.100.104)')
    .option('--ip6 <address>', 'IPv6 address (e.g., 2001:db8::33)')
    .option('-l, --label <list>', 'Set meta data on a container', collect)
    .option('--mac-address <mac>', 'Container MAC address (e.g., 02:42:ac:1e:00:02)')
    .option('-m, --memory <bytes>', 'Memory limit')
    .option('--memory-swap <bytes>', 'Memory and swap together: -1 for as much swap as the host gives')
    .option('--name <string>', 'Assign a name to the container')
    .option(
      '--net, --network <network>',
      'Connect a container to a network: NAME[,alias=..,ip=..,ip6=..,mac-address=..,ingress-rate=10mbit,egress-rate=..], bridge, host, none, container:NAME, and without root pasta or slirp4netns; repeat it for several',
      collect,
    )
    .option('--network-alias <list>', 'Add network-scoped alias for the container', collect)
    .option('--pids-limit <int>', 'Tune container pids limit (set -1 for unlimited)')
    .option('--platform <string>', 'Set platform if server is multi-platform capable')
    .option('-p, --publish <list>', "Publish a container's port(s) to the host", collect)
    .option('--pull <string>', 'Pull image before running ("always", "missing", "never")', 'missing')
    .option('-q, --quiet', 'Suppress the pull output')
    .option('--read-only', "Mount the container's root filesystem as read only")
    .option('--rm', 'Remove the container when it exits')
    .option(
      '--rootfs',
      'The argument is a folder to use as root filesystem; "/" is a copy-on-write sandbox of the host',
    )
    .option('--security-opt <list>', 'Security options', collect)
    .option('--shm-size <bytes>', 'Size of /dev/shm')
    .option('--stop-signal <string>', 'Signal to stop the container')
    .option('--sysctl <list>', 'Sysctl options', collect)
    .option('-t, --tty', 'Allocate a pseudo-TTY')
    .option('--uidmap <list>', 'User ids of its user namespace (CONTAINER:HOST:COUNT)', collect)
    .option('-u, --user <string>', 'Username or UID (format: <name|uid>[:<group|gid>])')
    .option('--userns <string>', 'User namespace: host, auto[:size=N] (ids of its own), remap[:USER]')
    .option('-v, --volume <list>', 'Bind mount a folder or file of the host, or a volume', collect)
    .option('-w, --workdir <string>', 'Working directory inside the container')
  addSandboxFlags(command)
}

/**
 * What the runtime is to run. Reads environment files; makes nothing.
 *
 * @param target - Image, or folder with `--rootfs`.
 */
export function runOptions(flags: RunFlags, target: string, command: readonly string[]): RunOptions {
  const { entrypoint } = flags
  return {
    ...(flags.rootfs === true ? { rootfs: resolve(target) } : { image: target, platform: flags.platform }),
    command: command.length === 0 ? undefined : command,
    entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
    name: flags.name,
    hostname: flags.hostname,
    env: readEnvironment(flags.envFile ?? [], flags.env ?? []),
    cwd: flags.workdir,
    user: flags.user,
    network: parseNetworks(flags),
    publish: (flags.publish ?? []).flatMap(parsePublish),
    dns: dnsSettings(flags),
    extraHosts: parseHosts(flags.addHost ?? []),
    volumes: (flags.volume ?? []).map((text) => parseVolume(text)),
    readOnly: flags.readOnly ?? false,
    userNamespace: parseUserNamespace(flags),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    ...parseSecurity(flags.securityOpt ?? []),
    sysctls: parsePairs(flags.sysctl ?? [], '--sysctl', { needsValue: true }),
    labels: parsePairs(flags.label ?? [], '-l, --label'),
    autoRemove: flags.rm ?? false,
    stopSignal: flags.stopSignal,
    ...limits(flags),
    ...sandboxOptions(flags),
  }
}

function dnsSettings({ dns, dnsSearch, dnsOption }: RunFlags): RunOptions['dns'] {
  if (dns === undefined && dnsSearch === undefined && dnsOption === undefined) return undefined
  return { nameservers: dns, search: dnsSearch, options: dnsOption }
}

function limits({
  memory,
  memorySwap,
  cpus,
  cpuShares,
  cpusetCpus,
  pidsLimit,
  shmSize,
}: RunFlags): Partial<RunOptions> {
  const pids = pidsLimit === undefined ? 0 : parseInteger(pidsLimit, '--pids-limit')
  return {
    memory: positive(memory === undefined ? 0 : parseSize(memory, '-m, --memory')),
    memorySwap:
      memorySwap === undefined || memorySwap === '-1'
        ? undefined
        : positive(parseSize(memorySwap, '--memory-swap')),
    cpus: positive(cpus === undefined ? 0 : parseAmount(cpus, '--cpus')),
    cpuShares: positive(cpuShares === undefined ? 0 : parseInteger(cpuShares, '-c, --cpu-shares')),
    cpusetCpus,
    pids: positive(pids),
    shmSize: positive(shmSize === undefined ? 0 : parseSize(shmSize, '--shm-size')),
  }
}

/** Docker's rule: 0, and -1 where it is allowed, stand for no limit. */
function positive(value: number): number | undefined {
  return value > 0 ? value : undefined
}
