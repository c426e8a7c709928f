import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readElf, type ElfFile } from './elf.js'
import { loaderFolders, type LoaderFolders } from './loader-folders.js'

/** A file that a program needs besides itself. */
export interface NeededFile {
  /** Where the loader looks for it: its place in an image. */
  readonly path: string
  /** The file of the host behind all links. */
  readonly source: string
  /** Found only through `ld.so.conf`: without that, the loader must be told by `LD_LIBRARY_PATH`. */
  readonly isConfigured: boolean
}

/**
 * Finds the dynamic loader of a program and all libraries that it loads at its start, by the loader's own
 * rules (ld.so(8)): `DT_RPATH`, `DT_RUNPATH`, `ld.so.conf`, the default folders. Nothing is executed.
 *
 * @param program - A 64-bit ELF program; a static one needs nothing.
 * @throws Error that names the library which is missing, or says that the program is no such file.
 */
export function findLibraries(program: string, folders: LoaderFolders = loaderFolders()): NeededFile[] {
  const source = realpathSync(program)
  const main = readElf(source)
  if (main === undefined) throw new Error(`cannot pack ${program}: it is no 64-bit ELF program`)
  const found = new Map<string, NeededFile>()
  if (main.interpreter !== undefined) {
    const path = main.interpreter
    if (!existsSync(path)) throw new Error(`cannot pack ${program}: its loader ${path} is not there`)
    found.set(path.slice(path.lastIndexOf('/') + 1), {
      path,
      source: realpathSync(path),
      isConfigured: false,
    })
  }
  const inherited = expand(main.runpath.length > 0 ? [] : main.rpath, source)
  const queue: { readonly elf: ElfFile; readonly source: string }[] = [{ elf: main, source }]
  for (const { elf, source: needing } of queue) {
    const own = expand(elf.runpath.length > 0 ? elf.runpath : elf.rpath, needing)
    for (const name of elf.needed) {
      if (found.has(name)) continue // loaded once, under that name
      const { file, elf: library } = search(name, {
        needing,
        machine: main.machine,
        own: [...own, ...inherited],
        folders,
      })
      found.set(name, file)
      queue.push({ elf: library, source: file.source })
    }
  }
  return [...found.values()]
}

interface Search {
  readonly needing: string
  readonly machine: number
  readonly own: readonly string[]
  readonly folders: LoaderFolders
}

function search(
  name: string,
  { needing, machine, own, folders }: Search,
): { file: NeededFile; elf: ElfFile } {
  const builtIn = new Set(folders.builtIn)
  const places = name.includes('/')
    ? [{ path: name, isConfigured: false }]
    : [
        ...own.map((folder) => ({ path: join(folder, name), isConfigured: false })),
        ...folders.configured.map((folder) => ({
          path: join(folder, name),
          isConfigured: !builtIn.has(folder),
        })),
        ...folders.builtIn.map((folder) => ({ path: join(folder, name), isConfigured: false })),
      ]
  for (const place of places) {
    if (!existsSync(place.path)) continue
    const source = realpathSync(place.path)
    const elf = readElf(source)
    if (elf?.machine === machine) return { file: { ...place, source }, elf }
  }
  const looked = [...new Set(places.map(({ path }) => dirname(path)))].join(', ')
  throw new Error(`cannot pack ${needing}: its library ${name} is in none of ${looked}`)
}

/** `$ORIGIN` stands for the folder of the file itself. Entries with other variables are left out. */
function expand(entries: readonly string[], source: string): string[] {
  return entries
    .map((entry) => entry.replace(/\$ORIGIN\b|\$\{ORIGIN\}/g, dirname(source)))
    .filter((entry) => entry.startsWith('/') && !entry.includes('$'))
}
