import { isIP } from 'node:net'
import { parseNetwork, type NetworkMode } from './container/network-option.js'
import { RuntimeError } from './errors.js'
import { hostGateway, isCopyOnWrite, type ExecDetachment, type RunOptions } from './options.js'
import { checkUserNamespace } from './userns/option.js'
import { checkVolume } from './volume-options.js'

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/

/**
 * Checks what can be checked before anything is made.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function checkRunOptions(options: RunOptions): void {
  const { image, rootfs, name, publish = [], detach = false } = options
  const { mode } = parseNetwork(options.network)
  if ((image === undefined) === (rootfs === undefined)) {
    throw invalid(
      `cannot run a container: exactly one of image and rootfs is needed, got ${image === undefined ? 'neither' : 'both'}`,
    )
  }
  if (rootfs !== undefined && !rootfs.startsWith('/'))
    throw invalid(`cannot use the root file system ${rootfs}: its path is not absolute`)
  if (name !== undefined) checkContainerName(name)
  if (publish.length > 0 && (mode === 'none' || mode === 'host' || mode === 'container'))
    throw invalid(`cannot publish ports on network ${mode}: only networks with a bridge and pasta have them`)
  for (const volume of options.volumes ?? []) checkVolume(volume)
  checkProfile(options.apparmorProfile)
  checkEnv(options.env ?? {})
  checkWords([...(options.command ?? []), ...(options.entrypoint ?? []), options.cwd ?? ''])
  checkLimits(options)
  checkUserNamespace(options.userNamespace ?? 'host')
  checkSysctls(options.sysctls ?? {}, mode, /^(host|container:)/.test(options.ipc ?? ''))
  checkNames(options, mode)
  if (options.cwd !== undefined && !options.cwd.startsWith('/'))
    throw invalid(`cannot work in ${options.cwd}: the path is not absolute`)
  const streams = [options.stdin, options.stdout, options.stderr]
  if (detach && streams.some((stream) => stream === 'pipe' || stream === 'inherit')) {
    throw invalid(
      'cannot detach a container whose streams are pipes or our own: use log, ignore or a descriptor',
    )
  }
}

/** Checks the name of a container. */
export function checkContainerName(name: string): void {
  if (namePattern.test(name)) return
  throw invalid(
    `cannot name a container ${JSON.stringify(name)}: letters, digits, "_", "." and "-" are allowed, the first a letter or digit`,
  )
}

/** A line of a file of the kernel's, that is no longer than a page. */
function checkProfile(profile: string | undefined): void {
  if (profile === undefined || /^[^\0\n]{1,1024}$/.test(profile)) return
  throw invalid(`cannot use AppArmor profile ${JSON.stringify(profile.slice(0, 200))}: it is no name of one`)
}

/** The kernel ends strings at a NUL byte. */
function checkWords(words: readonly string[]): void {
  const bad = words.find((word) => word.includes('\0'))
  if (bad !== undefined) throw invalid(`cannot use ${JSON.stringify(bad)} in a command: it has a NUL byte`)
}

function checkLimits(options: RunOptions): void {
  const { memory, memorySwap, cpus, pids, shmSize, hostname, storage } = options
  const sizes = { 'storage.bytes': storage?.bytes, 'storage.inodes': storage?.inodes }
  if (storage !== undefined && options.rootfs !== undefined && !isCopyOnWrite(options))
    throw invalid(`cannot limit the storage of ${options.rootfs}: the folder is used as it is, see overlay`)
  for (const [name, value] of Object.entries({ memory, memorySwap, pids, shmSize, ...sizes })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw invalid(`cannot set ${name} to ${value}: it must be a whole number above 0`)
    }
  }
  if (cpus !== undefined && !(Number.isFinite(cpus) && cpus > 0)) {
    throw invalid(`cannot set cpus to ${cpus}: it must be a number above 0`)
  }
  if (hostname !== undefined && !/^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?$/.test(hostname)) {
    throw invalid(
      `cannot use the host name ${JSON.stringify(hostname)}: 1 to 64 letters, digits, "-", "_" and "."`,
    )
  }
}

function checkNames({ dns, extraHosts = {} }: RunOptions, mode: NetworkMode | undefined): void {
  if (mode === 'container' && (dns !== undefined || Object.keys(extraHosts).length > 0))
    throw invalid("cannot set names of a container that shares the network of another: they are that one's")
  for (const server of dns?.nameservers ?? []) {
    if (isIP(server) === 0)
      throw invalid(`cannot ask the name server ${JSON.stringify(server)}: it is no address`)
  }
  for (const [name, addresses] of Object.entries(extraHosts)) {
    for (const address of [addresses].flat()) {
      if (address === hostGateway && (mode === 'none' || mode === 'pasta' || mode === 'slirp4netns'))
        throw invalid(`cannot name the host ${name}: a container on network ${mode} does not reach it`)
      if (address !== hostGateway && isIP(address) === 0) {
        throw invalid(
          `cannot give ${name} to ${JSON.stringify(address)}: it is neither an address nor ${hostGateway}`,
        )
      }
    }
  }
}

// kernel parameters that every IPC namespace has for itself
const ipcSysctl =
  /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\.[a-z_]+)$/

/** Parameters outside the container's own namespaces would be the host's. */
function checkSysctls(
  sysctls: Readonly<Record<string, string>>,
  network: NetworkMode | undefined,
  hasOtherIpc: boolean,
): void {
  for (const [name, value] of Object.entries(sysctls)) {
    const isNetwork = /^net(\.[A-Za-z0-9_-]+)+$/.test(name)
    if (
      !(ipcSysctl.test(name) && !hasOtherIpc) &&
      !(isNetwork && network !== 'host' && network !== 'container')
    ) {
      throw invalid(
        `cannot set ${JSON.stringify(name)}: it is no kernel parameter of the container's own namespaces`,
      )
    }
    checkWords([value])
  }
}

/** Checks names and values of an environment. */
export function checkEnv(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (name === '' || name.includes('=') || `${name}${value}`.includes('\0')) {
      throw invalid(
        `cannot set the variable ${JSON.stringify(name)}: names have no "=", and nothing has NUL bytes`,
      )
    }
  }
}

/** Checks what a program is to be found by. */
export function checkExecDetachment({ id }: ExecDetachment): void {
  if (!/^[0-9a-f]{64}$/.test(id))
    throw invalid(`cannot detach a program as ${JSON.stringify(id)}: an id is 64 hexadecimal digits`)
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
