import {
  AT_SYMLINK_NOFOLLOW,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  executeInChild,
  O_CLOEXEC,
  type Program,
  type Ref,
} from '@ctr/linux'
import { kernelString, type ByteString } from '../files/byte-string.js'

/**
 * A user namespace in which the caller is root, for a store of an ordinary user: owners of files are ids of this
 * namespace. Every container on the store's layers must map its ids as this one does.
 */
export interface StoreUserNamespace {
  /** Descriptor of the namespace; stays the caller's, and must be open as long as the store is used. */
  readonly fd: number
  /** Only the caller's own id is mapped: everything in the store belongs to it, whatever layers say. */
  readonly singleId: boolean
}

/**
 * Makes system calls as root of the namespace; descriptors that they open are ours.
 *
 * @param fill - Adds the calls, and gives back the one whose result is wanted.
 */
export function asRoot(
  { fd }: StoreUserNamespace,
  fill: (program: Program) => Ref,
  { mounts = false }: { readonly mounts?: boolean } = {},
): number {
  return executeInChild((program) => {
    program.step('enter the user namespace').call('setns', [fd, CLONE_NEWUSER])
    if (mounts) program.call('unshare', [CLONE_NEWNS])
    return fill(program.step(undefined))
  })
}

/** openat(2) as root of the namespace. */
export function openAsRoot(
  namespace: StoreUserNamespace,
  folder: number,
  name: ByteString,
  flags: number,
): number {
  return asRoot(namespace, (program) =>
    program.call('openat', [folder, kernelString(name), flags | O_CLOEXEC, 0]),
  )
}

/** Makes a folder the caller's own, readable and writable for it: before it is removed with all that is in it. */
export function takeOver(namespace: StoreUserNamespace, folder: number, name: ByteString): void {
  const at = kernelString(name)
  asRoot(namespace, (program) => {
    program.call('fchownat', [folder, at, 0, 0, AT_SYMLINK_NOFOLLOW])
    return program.call('fchmodat', [folder, at, 0o700])
  })
}
