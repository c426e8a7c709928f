import { readFileSync, statSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Arena, withCapabilities } from '../support/arena.js'

leakCheck()

describeOn(['root', 'bin:busybox'], 'OciRuntime whose program is to be overwritten (CVE-2019-5736)', () => {
  let arena: Arena
  beforeAll(() => {
    arena = new Arena()
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  /** Prints what programs of other processes it sees and could open for writing. */
  const look = `while :; do for p in /proc/[0-9]*; do program=$(readlink $p/exe)
    case "$program" in ''|/bin/busybox|/usr/bin/*) ;; *) echo "$program"; (: >>$p/exe) 2>/dev/null && echo written;; esac; done; done`

  it.each([
    ['as usual', []],
    ['with CAP_SYS_PTRACE', ['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH']],
  ])('shows no program of the host to a container %s, while others join', async (_, more) => {
    const before = statSync(process.execPath, { bigint: true }).mtimeNs
    await using attacker = await arena.start(look, withCapabilities(...more))
    symlinkSync('/proc/self/exe', join(attacker.rootfs, 'bin/link'))
    writeFileSync(join(attacker.rootfs, 'bin/script'), '#!/proc/self/exe\n')
    chmodSync(join(attacker.rootfs, 'bin/script'), 0o755)
    for (let n = 0; n < 40; n++) {
      for (const command of ['/proc/self/exe', 'link', 'script'])
        await attacker.exec([command, '--version']).catch(() => undefined)
      await attacker.exec(['true'])
    }
    const seen = new Set(
      attacker
        .output()
        .trim()
        .split('\n')
        .filter((line) => !/^(\/memfd:ctr-init \(deleted\))?$/.test(line)),
    )
    expect(seen).toEqual(new Set())
    expect(statSync(process.execPath, { bigint: true }).mtimeNs).toBe(before)
    expect(readFileSync(process.execPath).subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  })
})
