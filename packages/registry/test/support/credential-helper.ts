import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A credential helper of a test's own, in PATH as long as it lives. */
export interface TestHelper extends Disposable {
  readonly name: string
  /** What it stores, by server. */
  readonly stored: () => Readonly<Record<string, { readonly Username: string; readonly Secret: string }>>
}

/** A whole helper by the protocol; its store is a file beside it. */
const wholeHelper = `#!${process.execPath}
const fs = require('node:fs')
const file = __filename + '.store'
const store = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {}
const input = fs.readFileSync(0, 'utf8').trim()
const unknown = () => { console.log('credentials not found in native keychain'); process.exit(1) }
const action = process.argv[2]
if (action === 'get') store[input] ? console.log(JSON.stringify({ ServerURL: input, ...store[input] })) : unknown()
else if (action === 'list')
  console.log(JSON.stringify(Object.fromEntries(Object.entries(store).map(([key, { Username }]) => [key, Username]))))
else {
  if (action === 'store') { const { ServerURL, Username, Secret } = JSON.parse(input); store[ServerURL] = { Username, Secret } }
  else if (!store[input]) unknown()
  else delete store[input]
  fs.writeFileSync(file, JSON.stringify(store))
}
`

/**
 * Puts a helper into a folder, and the folder into PATH.
 *
 * @param script - Another program than a whole helper.
 */
export function installHelper(folder: string, name: string, script = wholeHelper): TestHelper {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `docker-credential-${name}`)
  writeFileSync(path, script)
  chmodSync(path, 0o755)
  const before = process.env['PATH'] ?? ''
  process.env['PATH'] = `${folder}${delimiter}${before}`
  return {
    name,
    stored: () => {
      const text = existsSync(`${path}.store`) ? readFileSync(`${path}.store`, 'utf8') : '{}'
      return JSON.parse(text) as ReturnType<TestHelper['stored']>
    },
    [Symbol.dispose]() {
      process.env['PATH'] = before
    },
  }
}
