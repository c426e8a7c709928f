import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  Fd,
  isSyscallError,
  MOUNT_ATTR_IDMAP,
  mountAttributes,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  syscall,
  type SyscallArgument,
  type SyscallName,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import type { Config, ConfigMount, ConfigPropagation } from '../config/config.js'
import { bindAttributes } from '../config/bind-attributes.js'
import type { ParsedIdmap } from '../config/mount-idmap.js'
import type { ParsedMountOptions } from '../config/mount-options.js'

/** Makes a system call, or only notes it. */
export type Call = (name: SyscallName, ...args: SyscallArgument[]) => number

/** What a mount or device of the container comes from, opened as a detached mount. */
export interface MountSource {
  readonly fd: number
  readonly kind: 'folder' | 'file'
}

/** Everything of the host that becomes part of the container, opened before its process exists. */
export interface MountSources extends Disposable {
  /** The root file system. */
  readonly root: number
  /** Sources of bind mounts, by the mount's position in the config. */
  readonly binds: ReadonlyMap<number, MountSource>
  /** Device nodes of the host, by path, where the container cannot make nodes of its own. */
  readonly devices: ReadonlyMap<string, MountSource>
  readonly fds: readonly number[]
}

export interface SourcesOptions {
  readonly bundle: string
  readonly rootfs: string
  readonly mounts: readonly { readonly mount: ConfigMount; readonly options: ParsedMountOptions }[]
  /** Paths of device nodes that are taken from the host. */
  readonly hostDevices: readonly string[]
  /** Opens a user namespace with the maps of an idmapped mount. */
  readonly userNamespaceOf: (mount: ConfigMount, idmap: ParsedIdmap) => Promise<number>
  /** Makes the system calls. Default: for real. */
  readonly call?: Call | undefined
}

/**
 * Opens the root file system and the sources of bind mounts as detached mounts (open_tree(2)). They are opened
 * with the privileges of the caller, so that folders on the way need not be open to the container's ids, and what
 * is missing is an error before anything has been made.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: a source does not exist, or cannot be mapped.
 */
export async function openSources(config: Config, options: SourcesOptions): Promise<MountSources> {
  const opened: Fd[] = []
  const close = (): void => {
    for (const fd of opened) fd.close()
  }
  const take = (fd: number): number => {
    opened.push(new Fd(fd))
    return fd
  }
  try {
    const { call = syscall } = options
    const base = propagationFlags(config.linux?.rootfsPropagation)
    const root = take(openTree(call, options.rootfs, TREE + AT_RECURSIVE, 'the root file system'))
    propagate(call, root, base)
    const binds = new Map<number, MountSource>()
    for (const [index, { mount, options: parsed }] of options.mounts.entries()) {
      if (parsed.bind === false) continue
      const path = resolve(options.bundle, mount.source ?? '')
      const flags =
        TREE +
        (parsed.bind === 'rbind' ? AT_RECURSIVE : 0) +
        (parsed.sourceNoFollow ? AT_SYMLINK_NOFOLLOW : 0)
      const fd = take(openTree(call, path, flags, `the source of ${mount.destination}`))
      for (const each of [base, ...parsed.propagation]) propagate(call, fd, each)
      setAttributes(call, fd, parsed)
      if (parsed.idmap !== undefined) await mapIds(fd, mount, parsed.idmap, options)
      binds.set(index, { fd, kind: statSync(path).isDirectory() ? 'folder' : 'file' })
    }
    const devices = new Map<string, MountSource>()
    for (const path of options.hostDevices) {
      devices.set(path, { fd: take(openTree(call, path, TREE, `the device ${path}`)), kind: 'file' })
    }
    const fds = opened.map(({ number }) => number)
    return { root, binds, devices, fds, [Symbol.dispose]: close }
  } catch (error) {
    close()
    throw error
  }
}

const TREE = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC

function openTree(call: Call, path: string, flags: number, what: string): number {
  try {
    return call('open_tree', AT_FDCWD, path, flags)
  } catch (cause) {
    if (!isSyscallError(cause)) throw cause
    const why = cause.code === 'ENOENT' ? 'no such file or directory' : cause.message
    throw new RuntimeError('ERR_RUNTIME_START', `cannot open ${what}: open ${path}: ${why}`, { cause })
  }
}

function setAttributes(call: Call, fd: number, options: ParsedMountOptions): void {
  const change = bindAttributes(options)?.wanted
  if (change !== undefined) call('mount_setattr', fd, '', AT_EMPTY_PATH, mountAttributes(change), 32)
  const { recursiveSet: set, recursiveClear: clear } = options
  if (set === 0 && clear === 0) return
  call('mount_setattr', fd, '', AT_EMPTY_PATH + AT_RECURSIVE, mountAttributes({ set, clear }), 32)
}

async function mapIds(
  fd: number,
  mount: ConfigMount,
  idmap: ParsedIdmap,
  { userNamespaceOf, call = syscall }: SourcesOptions,
): Promise<void> {
  using namespace = new Fd(await userNamespaceOf(mount, idmap))
  const flags = AT_EMPTY_PATH + (idmap.recursive ? AT_RECURSIVE : 0)
  const attributes = mountAttributes({ set: MOUNT_ATTR_IDMAP, userns: namespace.number })
  try {
    call('mount_setattr', fd, '', flags, attributes, 32)
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_START',
      `cannot map the ids of the mount at ${mount.destination}: ${(cause as Error).message}; its file system may not support idmapped mounts`,
      { cause },
    )
  }
}

/** `MS_*` of a propagation by name; without one, what the host mounts later comes in, and nothing goes out. */
export function propagationFlags(propagation: ConfigPropagation = 'rslave'): number {
  const recursive = propagation.startsWith('r')
  const kinds = {
    shared: MS_SHARED,
    slave: MS_SLAVE,
    private: MS_PRIVATE,
    unbindable: MS_UNBINDABLE,
  } as const
  return (
    kinds[(recursive ? propagation.slice(1) : propagation) as keyof typeof kinds] + (recursive ? MS_REC : 0)
  )
}

/** Sets the propagation of a detached mount (mount_namespaces(7)). */
function propagate(call: Call, fd: number, flags: number): void {
  const at = AT_EMPTY_PATH + ((flags & MS_REC) === 0 ? 0 : AT_RECURSIVE)
  call('mount_setattr', fd, '', at, mountAttributes({ propagation: flags & ~MS_REC }), 32)
}
