import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { namespaceKinds, procName, type NamespaceKind } from '../kinds.js'

/** A place where a namespace can be opened. */
export interface Place {
  readonly kind: NamespaceKind
  readonly id: number
  /** To be opened, or looked at. */
  readonly path: string
}

const kinds = new Map(namespaceKinds.map((kind) => [procName[kind], kind]))

/** Numbers of the processes that there are, ascending. */
export function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** The namespaces of a process: none when it has ended or is not ours to look at. */
export function placesOfProcess(pid: number | 'self'): Place[] {
  return namespaceKinds.flatMap((kind) => {
    const path = `/proc/${pid}/ns/${procName[kind]}`
    const place = placeOf(path, path)
    return place === undefined ? [] : [place]
  })
}

/** Namespaces that a process holds by open descriptors. */
export function placesOfDescriptors(pid: number): Place[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap((name) => placeOf(`${folder}/${name}`, `${folder}/${name}`) ?? [])
  } catch {
    return [] // ended, or another user's
  }
}

/** Namespaces that are pinned to files in our mount namespace. */
export function pinnedPlaces(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): Place[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [, , , root, point] = line.split(' ')
    if (root === undefined || point === undefined || !line.includes(' - nsfs ')) return []
    const place = parse(root)
    return place === undefined ? [] : [{ ...place, path: unescaped(point) }]
  })
}

function placeOf(link: string, path: string): Place | undefined {
  try {
    const place = parse(readlinkSync(link))
    return place && { ...place, path }
  } catch {
    return undefined // gone, another user's, or a kernel without this kind
  }
}

function parse(link: string): Omit<Place, 'path'> | undefined {
  const match = /^([a-z]+):\[(\d+)\]$/.exec(link)
  const kind = kinds.get(match?.[1] ?? '')
  return kind && { kind, id: Number(match![2]) }
}

/** Spaces and the like are written as octal numbers there. */
function unescaped(path: string): string {
  return Buffer.from(
    path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    'latin1',
  ).toString()
}
