import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { buildElf, type ElfParts } from './elf-builder.js'
import { findLibraries } from './libraries.js'
import { readLoaderConfiguration } from './loader-folders.js'

function write(path: string, parts: ElfParts): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, buildElf(parts))
  chmodSync(path, 0o755)
  return path
}

describe('findLibraries()', () => {
  it('looks where the loader looks, in its order, and behind links', () => {
    using folder = temporaryFolder()
    const at = (path: string) => join(folder.path, path)
    write(at('app/lib/libown.so'), { needed: ['libdeep.so'], runpath: '$ORIGIN/deep' })
    write(at('app/lib/deep/libdeep.so'), {})
    write(at('conf/libconf.so.1.2'), { needed: ['libsys.so'] })
    symlinkSync('libconf.so.1.2', at('conf/libconf.so.1'))
    write(at('sys/libsys.so'), {})
    write(at('sys/libown.so'), {}) // comes after the program's own folder
    const loader = write(at('sys/ld.so'), {})
    const program = write(at('app/bin/program'), {
      interpreter: loader,
      needed: ['libown.so', 'libconf.so.1', 'ld.so'],
      runpath: '${ORIGIN}/../lib:$LIB/x',
    })
    const found = findLibraries(program, { configured: [at('conf')], builtIn: [at('sys')] })
    expect(found).toEqual([
      { path: loader, source: loader, isConfigured: false },
      { path: at('app/lib/libown.so'), source: at('app/lib/libown.so'), isConfigured: false },
      { path: at('conf/libconf.so.1'), source: at('conf/libconf.so.1.2'), isConfigured: true },
      { path: at('app/lib/deep/libdeep.so'), source: at('app/lib/deep/libdeep.so'), isConfigured: false },
      { path: at('sys/libsys.so'), source: at('sys/libsys.so'), isConfigured: false },
    ])
  })

  it('gives DT_RPATH of the program to its libraries, and passes over other machines', () => {
    using folder = temporaryFolder()
    const at = (path: string) => join(folder.path, path)
    write(at('first/libb.so'), { machine: 183 })
    write(at('own/liba.so'), { needed: ['libb.so'] })
    write(at('own/libb.so'), {})
    const program = write(at('program'), { needed: ['liba.so'], rpath: `${at('first')}:$ORIGIN/own` })
    const found = findLibraries(program, { configured: [], builtIn: [] })
    expect(found.map(({ path }) => path)).toEqual([at('own/liba.so'), at('own/libb.so')])
  })

  it('names the library that is missing', () => {
    using folder = temporaryFolder()
    const program = write(join(folder.path, 'program'), { needed: ['libnone.so.9'] })
    expect(() => findLibraries(program, { configured: [], builtIn: ['/nowhere'] })).toThrow(
      `cannot pack ${program}: its library libnone.so.9 is in none of /nowhere`,
    )
  })

  it('refuses what is no program', () => {
    using folder = temporaryFolder()
    const script = join(folder.path, 'script')
    writeFileSync(script, '#!/bin/sh\n')
    expect(() => findLibraries(script)).toThrow(`cannot pack ${script}: it is no 64-bit ELF program`)
  })

  it('finds for the running node what ldd(1) finds', () => {
    let listed: string
    try {
      listed = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
    } catch {
      return // no ldd, or a static node
    }
    const byLdd = [...listed.matchAll(/(?:=>\s*|^\s*)(\/\S+)/gm)].map((match) => match[1]!)
    const ours = findLibraries(process.execPath).map(({ path }) => path)
    expect(ours.sort()).toEqual(byLdd.sort())
  })
})

describe('readLoaderConfiguration()', () => {
  it('follows includes and leaves comments out', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'ld.so.conf')
    mkdirSync(join(folder.path, 'conf.d'))
    writeFileSync(file, '# mine\n/opt/lib # here\ninclude conf.d/*.conf\n')
    writeFileSync(join(folder.path, 'conf.d/b.conf'), '/opt/b\n')
    writeFileSync(join(folder.path, 'conf.d/a.conf'), `/opt/a\ninclude ${file}\n`)
    writeFileSync(join(folder.path, 'conf.d/c.txt'), '/opt/c\n')
    expect([...new Set(readLoaderConfiguration(file))]).toEqual(['/opt/lib', '/opt/a', '/opt/b'])
  })

  it('is empty where there is no such file', () => {
    expect(readLoaderConfiguration('/nonexistent/ld.so.conf')).toEqual([])
  })
})
