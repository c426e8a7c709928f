import { writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { compileSeccomp } from './compile.js'
import { defaultFilter } from './default-filter.js'
import { defaultFilterCode } from './default-filter-code.js'
import { defaultCapabilities } from '../security/capability.js'
import { defaultSeccompProfile } from '../security/default-seccomp-profile.js'

const architectures = ['x64', 'arm64'] as const
const file = new URL('./default-filter-code.ts', import.meta.url)

function compiled(architecture: 'x64' | 'arm64'): Buffer {
  const profile = defaultSeccompProfile({ capabilities: defaultCapabilities, architecture })
  return Buffer.from(compileSeccomp(profile, { architecture }).program)
}

describe('defaultFilter()', () => {
  it('is what the default profile compiles to (UPDATE_GOLDEN=1 writes it anew)', () => {
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, source())
    else for (const name of architectures) expect(defaultFilterCode[name]).toBe(code(name))
  })

  it('is there for the default capabilities only, in any order, on kernels that know all of it', () => {
    const reversed = [...defaultCapabilities].reverse()
    expect(defaultFilter(reversed, 'x64', '6.18.1')).toEqual(new Uint8Array(compiled('x64')))
    expect(defaultFilter(defaultCapabilities, 'arm64', '5.10.0-30-arm64')).toEqual(
      new Uint8Array(compiled('arm64')),
    )
    expect(defaultFilter([...defaultCapabilities, 'CAP_SYS_ADMIN'], 'x64', '6.18.1')).toBeUndefined()
    expect(defaultFilter(defaultCapabilities.slice(1), 'x64', '6.18.1')).toBeUndefined()
    expect(defaultFilter(defaultCapabilities, 'x64', '4.4.0')).toBeUndefined()
  })
})

function code(architecture: 'x64' | 'arm64'): string {
  return compiled(architecture).toString('base64')
}

function source(): string {
  return `// Written by default-filter.test.ts. Do not edit.

/** The default seccomp filter for the default capabilities, by \`process.arch\`, in base64. */
export const defaultFilterCode = {
${architectures.map((name) => `  ${name}: '${code(name)}',\n`).join('')}} as const
`
}
