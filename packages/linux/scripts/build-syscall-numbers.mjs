// Writes the tables of system call numbers from the kernel's own uapi headers.
//
//   node scripts/build-syscall-numbers.mjs                    write the tables
//   node scripts/build-syscall-numbers.mjs --check            compare instead; exits 1 when one differs
//   node scripts/build-syscall-numbers.mjs --sysroot FOLDER   headers below FOLDER/usr instead of /usr
//
// Needs a C preprocessor (Debian: cpp) and the headers of three architectures (Debian: linux-libc-dev on amd64,
// linux-libc-dev-arm64-cross, linux-libc-dev-armhf-cross). The preprocessor decides the conditions of
// asm-generic/unistd.h as a compiler for that architecture would: no 32-bit variants on arm64.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, sysroot: { type: 'string' } },
})
const usr = `${options.sysroot ?? ''}/usr`

const amd64 = [`${usr}/include/x86_64-linux-gnu`, `${usr}/include`]
const arm64 = [`${usr}/aarch64-linux-gnu/include`]
const arm = [`${usr}/arm-linux-gnueabihf/include`]

// Calls that came after the headers of Debian 12 (Linux 6.1), up to Linux 7.1. Since 5.1 a new call has the same
// number on every architecture; the exceptions are in `own` below.
const newer = [
  'cachestat', // 451, Linux 6.5
  'fchmodat2', // 6.6
  'map_shadow_stack', // 6.6
  'futex_wake', // 6.7
  'futex_wait',
  'futex_requeue',
  'statmount', // 6.8
  'listmount',
  'lsm_get_self_attr',
  'lsm_set_self_attr',
  'lsm_list_modules',
  'mseal', // 6.10
  'setxattrat', // 6.13
  'getxattrat',
  'listxattrat',
  'removexattrat',
  'open_tree_attr', // 6.15
  'file_getattr', // 6.17
  'file_setattr',
  'listns', // 6.19
  'rseq_slice_yield', // 7.0
].map((name, index) => [name, 451 + index])

const abis = {
  x86_64: { header: 'asm/unistd_64.h', include: amd64, own: { uretprobe: 335, uprobe: 336 } }, // 6.11 and 6.18
  x86: { header: 'asm/unistd_32.h', include: amd64 },
  x32: { header: 'asm/unistd_x32.h', include: amd64, define: ['__X32_SYSCALL_BIT=0'] },
  aarch64: { header: 'asm/unistd.h', include: arm64, define: ['__aarch64__', '__LP64__'] },
  arm: { header: 'asm/unistd.h', include: arm, define: ['__ARM_EABI__'], prefixes: ['__NR_', '__ARM_NR_'] },
}

// Names that are no calls: a count, and the base of the range for calls of one architecture.
const notCalls = new Set(['syscalls', 'arch_specific_syscall'])

/** Every macro that the header leaves defined. */
function macros({ header, include, define = [] }) {
  const folders = include.flatMap((folder) => ['-I', folder])
  const defines = define.map((name) => `-D${name}`)
  const output = execFileSync('cpp', ['-undef', '-nostdinc', '-dM', ...folders, ...defines], {
    input: `#include <${header}>\n#include <linux/version.h>\n`,
    encoding: 'utf8',
  })
  return new Map(
    [...output.matchAll(/^#define (\w+) (.+)$/gm)].map(([, name, value]) => [name, value.trim()]),
  )
}

/** Value of a macro: a number, another macro, or a sum of these. */
function evaluate(expression, all) {
  const values = expression
    .replace(/[()]/g, '')
    .split('+')
    .map((term) => {
      const word = term.trim()
      if (/^(0x[0-9a-f]+|\d+)$/i.test(word)) return Number(word)
      return all.has(word) ? evaluate(all.get(word), all) : NaN
    })
  return values.reduce((sum, value) => sum + value, 0)
}

/** The system calls of one ABI, by ascending number, and the version of the headers. */
function read(abi) {
  const all = macros(abi)
  const code = Number(all.get('LINUX_VERSION_CODE'))
  const numbers = new Map()
  for (const [macro, value] of all) {
    const prefix = (abi.prefixes ?? ['__NR_']).find((candidate) => macro.startsWith(candidate))
    const name = macro.slice(prefix?.length)
    if (prefix === undefined || notCalls.has(name) || /^[A-Z]/.test(name)) continue
    const number = evaluate(value, all)
    if (!Number.isSafeInteger(number)) throw new Error(`${abi.header}: ${macro} is ${value}`)
    numbers.set(name, number)
  }
  for (const [name, number] of [...newer, ...Object.entries(abi.own ?? {})]) {
    if ((numbers.get(name) ?? number) !== number) throw new Error(`${abi.header}: ${name} has another number`)
    numbers.set(name, number)
  }
  const sorted = [...numbers].sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1))
  return { numbers: new Map(sorted), version: `${code >> 16}.${(code >> 8) & 255}` }
}

const tables = Object.fromEntries(Object.entries(abis).map(([name, abi]) => [name, read(abi)]))
const versions = [...new Set(Object.values(tables).map(({ version }) => version))].join(' and ')
const head = `// Written by packages/linux/scripts/build-syscall-numbers.mjs from the uapi headers of Linux ${versions},
// with the newer calls up to Linux 7.1 that the script lists. Do not edit.
`

function oneAbi(title, name, { numbers }) {
  const lines = [...numbers].map(([call, number]) => `  ${call}: ${number},\n`)
  return `${head}
/** System call numbers of ${title}. */
export const ${name} = {
${lines.join('')}} as const
`
}

function everyAbi() {
  const order = ['x86_64', 'x86', 'x32', 'aarch64', 'arm']
  const names = [...new Set(order.flatMap((abi) => [...tables[abi].numbers.keys()]))].sort()
  const lines = names.map((name) => {
    const numbers = order.map((abi) => tables[abi].numbers.get(name) ?? 'null')
    return `  ${name}: [${numbers.join(', ')}],\n`
  })
  return `${head}
/**
 * Numbers of every system call on x86-64, 32-bit x86, x32 (without the bit 0x40000000), arm64 and 32-bit ARM, in
 * this order; null where the architecture has no such call.
 */
export const syscallNumbers: Readonly<Record<string, readonly (number | null)[]>> = {
${lines.join('')}}
`
}

const sources = {
  '../src/syscall-numbers/x86-64.ts': oneAbi('x86-64', 'x86_64SyscallNumbers', tables.x86_64),
  '../src/syscall-numbers/arm64.ts': oneAbi('arm64', 'arm64SyscallNumbers', tables.aarch64),
  '../../runtime/src/seccomp/syscall-numbers.ts': everyAbi(),
}

for (const [path, text] of Object.entries(sources)) {
  const file = fileURLToPath(new URL(path, import.meta.url))
  if (!options.check) {
    writeFileSync(file, text)
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not what the headers say`)
    process.exitCode = 1
  }
}
