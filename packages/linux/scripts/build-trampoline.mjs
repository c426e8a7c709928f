// Assembles the machine code and writes their bytes to src/program/trampoline/code.ts.
// Needs binutils for both architectures (Debian: binutils, binutils-aarch64-linux-gnu).
//
//   node scripts/build-trampoline.mjs           write code.ts
//   node scripts/build-trampoline.mjs --print   print the bytes as JSON instead
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../src/program/trampoline/', import.meta.url))
const x86 = process.arch === 'x64' ? '' : 'x86_64-linux-gnu-'
const arm = process.arch === 'arm64' ? '' : 'aarch64-linux-gnu-'

function assemble(prefix, source) {
  const temporary = mkdtempSync(join(tmpdir(), 'ctr-trampoline-'))
  try {
    execFileSync(`${prefix}as`, [join(folder, source), '-o', join(temporary, 'object')])
    execFileSync(`${prefix}objcopy`, [
      '-O',
      'binary',
      '-j',
      '.text',
      join(temporary, 'object'),
      join(temporary, 'code'),
    ])
    return readFileSync(join(temporary, 'code')).toString('hex')
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

const bytes = {
  x64: assemble(x86, 'x86-64.S'),
  arm64: assemble(arm, 'arm64.S'),
  executableX64: assemble(x86, 'executable-x86-64.S'),
  executableArm64: assemble(arm, 'executable-arm64.S'),
}

if (process.argv.includes('--print')) {
  process.stdout.write(JSON.stringify(bytes))
} else {
  const lines = (hex) => hex.match(/.{1,96}/g).map((line) => `  '${line}'`)
  writeFileSync(
    join(folder, 'code.ts'),
    `// Written by scripts/build-trampoline.mjs from the .S files beside it. Do not edit.

const hex = {
${Object.entries(bytes)
  .map(([name, code]) => `  ${name}:\n  ${lines(code).join(' +\n  ')},`)
  .join('\n')}
} as const

/** Machine code of the trampoline, by \`process.arch\`. */
export const trampolineCode = {
  x64: Buffer.from(hex.x64, 'hex'),
  arm64: Buffer.from(hex.arm64, 'hex'),
} as const

/** Machine code in front of the trampoline in an executable of its own, by \`process.arch\`. */
export const executableCode = {
  x64: Buffer.from(hex.executableX64, 'hex'),
  arm64: Buffer.from(hex.executableArm64, 'hex'),
} as const
`,
  )
}
