import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { engineVersion } from './engine-version.js'

it('engineVersion is that of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(engineVersion).toBe(version)
})
