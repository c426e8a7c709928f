import { InPlace, Out, Ref, Struct, Words, type Argument } from './argument.js'
import type { Entry, Program } from './program.js'
import { signatures } from './signatures.js'

/**
 * Prints a program like a trace: one system call a line, flags by name, `$N` for the result of entry N,
 * with the step that the entries belong to as a heading.
 *
 * @param program - What to print. Nothing is executed.
 * @returns Lines, each ended by a newline.
 */
export function explain(program: Program): string {
  const used = new Set(
    program.entries.flatMap(({ args }) =>
      args.flatMap((value) => (value instanceof Ref ? [value.entry] : [])),
    ),
  )
  let step: string | undefined
  let text = ''
  program.entries.forEach((entry, index) => {
    if (entry.step !== step) {
      step = entry.step
      if (step !== undefined) text += `# ${step}\n`
    }
    text += `${describeCall(entry)}${used.has(index) ? ` -> $${index}` : ''}${describeExpectation(entry)}\n`
  })
  return text
}

function describeCall(entry: Entry): string {
  return `${entry.call}(${describeArguments(entry).join(', ')})`
}

function describeExpectation({ tolerate, minimum, leave }: Entry): string {
  const notes: string[] = []
  if (tolerate !== undefined && tolerate.length > 0) notes.push(`may fail with ${tolerate.join(', ')}`)
  if (minimum === 'any') notes.push('may fail')
  else if (minimum !== undefined && minimum !== 0) notes.push(`at least ${minimum}`)
  if (leave === true) notes.push('the parent leaves here')
  return notes.length === 0 ? '' : `  # ${notes.join('; ')}`
}

/** The arguments of an entry in words, as error messages and `explain()` show them. */
export function describeArguments({ call, args }: Pick<Entry, 'call' | 'args'>): string[] {
  const printers = signatures[call] ?? []
  return args.map((value, index) => {
    const printer = printers[index]
    const number = typeof value === 'bigint' ? Number(value) : value // inexact ones print themselves
    return typeof number === 'number' && Number.isSafeInteger(number) && printer !== undefined
      ? printer(number, args)
      : describeArgument(value)
  })
}

function describeArgument(value: Argument): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Ref) return `$${value.entry}`
  if (value instanceof Out) return `[${value.bytes.length} bytes out]`
  if (value instanceof Words) return value.text ?? `[${value.items.map(describeArgument).join(', ')}]`
  if (value instanceof Struct) return value.text
  if (value instanceof InPlace) return `[${value.bytes.length} bytes]`
  if (value instanceof Uint8Array) return `[${value.length} bytes]`
  return String(value)
}
