import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { lgetxattr, llistxattr } from '@ctr/linux'

/** Everything that can be seen of a tree, one line a file: to be compared with another tree. */
export function treeOf(folder: string): string[] {
  const inodes = new Map<bigint, string>()
  return below(folder, '.').map((path) => lineOf(join(folder, path), path, inodes))
}

function below(folder: string, path: string): string[] {
  const here = join(folder, path)
  if (!lstatSync(here).isDirectory()) return [path]
  const names = readdirSync(here, { encoding: 'latin1' }).sort()
  return [
    path,
    ...names.flatMap((name) => below(folder, join(path, Buffer.from(name, 'latin1').toString('utf8')))),
  ]
}

function lineOf(place: string, path: string, inodes: Map<bigint, string>): string {
  const stat = lstatSync(place, { bigint: true })
  const first = inodes.get(stat.ino)
  if (!stat.isDirectory()) inodes.set(stat.ino, first ?? path)
  const attributes = llistxattr(place)
    .sort()
    .map((name) => `${name}=${lgetxattr(place, name)?.toString('hex') ?? ''}`)
  const parts = [
    path,
    stat.mode.toString(8),
    `${stat.uid}:${stat.gid}`,
    stat.mtimeNs,
    ...(stat.isFile() ? [stat.size, createHash('sha256').update(readFileSync(place)).digest('hex')] : []),
    ...(stat.isSymbolicLink() ? [`-> ${readlinkSync(place)}`] : []),
    ...(stat.rdev === 0n ? [] : [`device ${stat.rdev}`]),
    ...(first === undefined || stat.isDirectory() ? [] : [`same as ${first}`]),
    ...attributes,
  ]
  return parts.join(' ')
}
