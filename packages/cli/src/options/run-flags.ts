import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { RunOptions } from '@ctr/runtime'
import { collect } from './collect.js'
import { readEnvironment, readLines } from './parse-env.js'
import { addDaemonFlags, type DaemonFlags } from './daemon-flags.js'
import { addDeviceRateFlags, type DeviceRateFlags } from './device-rate-flags.js'
import { addAttachFlag, addDetachKeys, addSigProxy, type JoinFlags } from './join-flags.js'
import { addLimitFlags, limitOptions, type LimitFlags } from './limit-flags.js'
import { parseHosts } from './parse-hosts.js'
import { parseMounts } from './parse-mount.js'
import { parseNetworks, type AttachFlags } from './parse-network.js'
import { parsePairs } from './parse-pairs.js'
import { parseStorage } from './parse-storage.js'
import { parsePublish } from './parse-publish.js'
import { parseSecurity } from './parse-security.js'
import { parseSize } from './parse-size.js'
import { parseUserNamespace } from './parse-userns.js'
import { parseVolume } from './parse-volume.js'
import { addSandboxFlags, sandboxOptions, type SandboxFlags } from './sandbox-flags.js'

type List = readonly string[]

/** The flags of `run`, as they were typed. */
export interface RunFlags
  extends AttachFlags, DaemonFlags, DeviceRateFlags, JoinFlags, LimitFlags, SandboxFlags {
  readonly addHost?: List
  readonly capAdd?: List
  readonly capDrop?: List
  readonly cgroupParent?: string
  readonly cidfile?: string
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
  readonly labelFile?: List
  readonly mount?: List
  readonly name?: string
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
  readonly storageOpt?: List
  readonly sysctl?: List
  readonly tty?: true
  readonly uidmap?: List
  readonly user?: string
  readonly userns?: string
  readonly volume?: List
  readonly workdir?: string
}

/** Adds the flags that `run` and `create` share to a command. */
export function addContainerFlags(command: Command): void {
  addAttachFlag(command)
    .option('--add-host <list>', 'Add a line to /etc/hosts (NAME:ADDRESS, NAME:host-gateway)', collect)
    .option('--cap-add <list>', 'Add Linux capabilities', collect)
    .option('--cap-drop <list>', 'Drop Linux capabilities', collect)
    .option('--cgroup-parent <string>', 'Parent cgroup for the container, as a path')
    .option('--cidfile <file>', 'Write the container ID to the file, which must not be there yet')
    .option('--dns <list>', 'Set name servers', collect)
    .option('--dns-option <list>', 'Set options of name resolution', collect)
    .option('--dns-search <list>', 'Set search domains ("." for none)', collect)
    .option('--entrypoint <string>', 'Overwrite the default ENTRYPOINT of the image')
    .option('-e, --env <list>', 'Set environment variables', collect)
    .option('--env-file <list>', 'Read in a file of environment variables', collect)
    .option('--gidmap <list>', 'Group ids of its user namespace (CONTAINER:HOST:COUNT)', collect)
    .option('-h, --hostname <string>', 'Container host name')
    .option('-i, --interactive', 'Keep STDIN open')
    .option('--ip <address>', 'IPv4 address (e.g., 172.30.100.104)')
    .option('--ip6 <address>', 'IPv6 address (e.g., 2001:db8::33)')
    .option('-l, --label <list>', 'Set meta data on a container', collect)
    .option('--label-file <list>', 'Read in a file of labels', collect)
    .option('--link-local-ip <list>', 'Container IPv4/IPv6 link-local addresses', collect)
    .option('--mac-address <mac>', 'Container MAC address (e.g., 02:42:ac:1e:00:02)')
    .option('--memory-swappiness <int>', 'Tune container memory swappiness (0 to 100)')
    .option(
      '--mount <mount>',
      'Attach a filesystem mount to the container (type=bind|volume|tmpfs,...)',
      collect,
    )
    .option('--name <string>', 'Assign a name to the container')
    .option(
      '--net, --network <network>',
      'Connect a container to a network: NAME[,alias=..,ip=..,ip6=..,mac-address=..,link-local-ip=..,gw-priority=..,ingress-rate=10mbit,egress-rate=..], bridge, host, none, container:NAME, and without root pasta or slirp4netns; repeat it for several',
      collect,
    )
    .option('--network-alias <list>', 'Add network-scoped alias for the container', collect)
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
    .option('--storage-opt <list>', 'Limit its root filesystem (size=BYTES, inodes=NUMBER)', collect)
    .option('--sysctl <list>', 'Sysctl options', collect)
    .option('-t, --tty', 'Allocate a pseudo-TTY')
    .option('--uidmap <list>', 'User ids of its user namespace (CONTAINER:HOST:COUNT)', collect)
    .option('-u, --user <string>', 'Username or UID (format: <name|uid>[:<group|gid>])')
    .option('--userns <string>', 'User namespace: host, auto[:size=N] (ids of its own), remap[:USER]')
    .option('-v, --volume <list>', 'Bind mount a folder or file of the host, or a volume', collect)
    .option('-w, --workdir <string>', 'Working directory inside the container')
  addLimitFlags(command)
  addDeviceRateFlags(command)
  addSandboxFlags(command)
  addDaemonFlags(command)
}

/** Adds the flags of `run` to a command. */
export function addRunFlags(command: Command): void {
  command
    .option('-d, --detach', 'Run container in background and print container ID')
    .option('--explain', 'Print every system call of the set-up instead of making it')
  addSigProxy(addDetachKeys(command))
  addContainerFlags(command)
}

/**
 * What the runtime is to run. Reads environment files; makes nothing.
 *
 * @param target - Image, or folder with `--rootfs`.
 */
export function runOptions(flags: RunFlags, target: string, command: readonly string[]): RunOptions {
  const { entrypoint } = flags
  const mounts = parseMounts(flags.mount ?? [])
  const sandbox = sandboxOptions(flags)
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
    volumes: [...(flags.volume ?? []).map((text) => parseVolume(text)), ...mounts.volumes],
    readOnly: flags.readOnly ?? false,
    userNamespace: parseUserNamespace(flags),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    ...parseSecurity(flags.securityOpt ?? []),
    sysctls: parsePairs(flags.sysctl ?? [], '--sysctl', { needsValue: true }),
    labels: parsePairs([...readLines(flags.labelFile ?? [], 'label'), ...(flags.label ?? [])], '-l, --label'),
    autoRemove: flags.rm ?? false,
    stopSignal: flags.stopSignal,
    shmSize: sizeOf(flags.shmSize),
    storage: parseStorage(parsePairs(flags.storageOpt ?? [], '--storage-opt'), '--storage-opt'),
    cgroupParent: flags.cgroupParent,
    ...limitOptions(flags),
    ...sandbox,
    tmpfs: isEmpty(mounts.tmpfs) ? sandbox.tmpfs : { ...sandbox.tmpfs, ...mounts.tmpfs },
  }
}

function dnsSettings({ dns, dnsSearch, dnsOption }: RunFlags): RunOptions['dns'] {
  if (dns === undefined && dnsSearch === undefined && dnsOption === undefined) return undefined
  return { nameservers: dns, search: dnsSearch, options: dnsOption }
}

function sizeOf(text: string | undefined): number | undefined {
  const bytes = text === undefined ? 0 : parseSize(text, '--shm-size')
  return bytes === 0 ? undefined : bytes // 0 stands for what is usual
}

function isEmpty(members: object): boolean {
  return Object.keys(members).length === 0
}
