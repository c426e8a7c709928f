import { usageError } from '../usage-error.js'
import { aliases, columns, type Column } from './columns.js'

type Name = keyof typeof columns

const formats = {
  full: ['uname', 'pid', 'ppid', 'c', 'stime', 'tty', 'time', 'cmd'],
  plain: ['pid', 'tty', 'time', 'ucmd'],
  bsd: ['pid', 'tty', 'stat', 'bsdtime', 'args'],
  user: ['user', 'pid', 'pcpu', 'pmem', 'vsz', 'rss', 'tty', 'stat', 'start', 'bsdtime', 'args'],
} as const satisfies Readonly<Record<string, readonly Name[]>>

/** A table as options of ps(1) ask for it. */
export interface PsFormat {
  readonly columns: readonly Column[]
  readonly titles: boolean
}

/**
 * Reads options of ps(1): `-ef`, `-e -x`, `aux`, `-o pid,args`. Those that choose processes change nothing, the
 * container's are printed. Without any it is `-ef`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: an option that is not known here.
 */
export function parsePsOptions(argv: readonly string[]): PsFormat {
  if (argv.length === 0) return { columns: named(formats.full), titles: true }
  let format: keyof typeof formats = 'plain'
  let titles = true
  const own: Column[] = []
  const rest = [...argv]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const letters = arg.replace(/^-/, '')
    for (let n = 0; n < letters.length; n++) {
      const letter = letters.charAt(n)
      if (letter === 'o') {
        own.push(...ownColumns(letters.slice(n + 1) || rest.shift()))
        break
      }
      if (letter === 'f' || letter === 'F') format = 'full'
      else if (letter === 'u' && !arg.startsWith('-')) format = 'user'
      else if (letter === 'x' || (letter === 'a' && !arg.startsWith('-'))) {
        if (format === 'plain') format = 'bsd'
      } else if (letter === 'h' && !arg.startsWith('-')) titles = false
      else if (!'eAadwHT'.includes(letter) || letters === '') throw unknown(arg)
    }
    if (letters === '') throw unknown(arg)
  }
  return { columns: own.length > 0 ? own : named(formats[format]), titles }
}

function named(names: readonly Name[]): readonly Column[] {
  return names.map((name) => columns[name])
}

function ownColumns(text: string | undefined): readonly Column[] {
  if (text === undefined) throw usageError('option -o of ps needs names of columns')
  return text.split(/[ ,]+/).map((entry) => {
    const [name, title] = entry.split('=', 2) as [string, string?]
    const key = Object.hasOwn(aliases, name) ? aliases[name]! : name
    if (!Object.hasOwn(columns, key)) {
      throw usageError(`unknown column "${name}" of ps: there are ${Object.keys(columns).join(', ')}`)
    }
    const column = columns[key as Name]
    return title === undefined ? column : { ...column, title }
  })
}

function unknown(arg: string): Error {
  return usageError(`unknown option "${arg}" of ps: known are -ef, -e, -x, aux, ax and -o COLUMNS`)
}
