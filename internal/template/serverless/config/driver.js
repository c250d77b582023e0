'use strict'
// Evaluates configuration files for Suiro. Requests come in as JSON lines on
// standard input and answers leave on standard output, so whatever the user's
// code prints goes to standard error instead. While it answers, this side may
// ask Suiro for variables in the same way.
const Module = require('module')
const path = require('path')
const readline = require('readline')
const { pathToFileURL } = require('url')

const send = process.stdout.write.bind(process.stdout)
process.stdout.write = process.stderr.write.bind(process.stderr)
console.log = console.info = console.debug = console.error

let asked = 0
const waiting = new Map()

function ask(kind, what) {
  return new Promise((resolve, reject) => {
    waiting.set(++asked, { resolve, reject })
    send(JSON.stringify({ ask: asked, kind, what }) + '\n')
  })
}

const modules = new Map()

// A bundled file runs as if it stood in its own place, so that packages are
// found from there.
async function load(file, code) {
  if (!modules.has(file)) modules.set(file, evaluate(file, code))
  return modules.get(file)
}

async function evaluate(file, code) {
  if (code) {
    const m = new Module(file, null)
    m.filename = file
    m.paths = Module._nodeModulePaths(path.dirname(file))
    m._compile(code, file)
    return m.exports
  }
  try {
    return require(file)
  } catch (e) {
    if (e.code !== 'ERR_REQUIRE_ESM' && !/Cannot use import statement|Unexpected token 'export'/.test(e.message)) throw e
    return import(pathToFileURL(file).href)
  }
}

// An ES module means its default export, unless the address names another.
function exported(m, keys) {
  const isModule = m && (m.__esModule || m[Symbol.toStringTag] === 'Module')
  if (!isModule || (keys.length && keys[0] in m && keys[0] !== 'default')) return m
  return 'default' in m ? m.default : m
}

async function answer(r) {
  for (const name in r.env) if (!(name in process.env)) process.env[name] = r.env[name]
  let value = exported(await load(r.file, r.code), r.keys)
  let called = false
  const settle = async () => {
    if (typeof value === 'function' && !called) {
      called = true
      value = value({
        options: r.options,
        resolveVariable: (v) => ask('variable', String(v)),
        resolveConfigurationProperty: (keys) => ask('property', keys),
      })
    }
    value = await value
  }
  await settle()
  const rest = r.keys.slice()
  while (rest.length && value !== null && value !== undefined && typeof value !== 'string') {
    value = value[rest.shift()]
    await settle()
  }
  return { value: value === undefined ? null : value, rest }
}

const lines = readline.createInterface({ input: process.stdin })
lines.on('line', async (line) => {
  const r = JSON.parse(line)
  if (r.answer) {
    const w = waiting.get(r.answer)
    waiting.delete(r.answer)
    if (r.error) w.reject(new Error(r.error))
    else w.resolve(r.value)
    return
  }
  try {
    send(JSON.stringify({ id: r.id, ...(await answer(r)) }) + '\n')
  } catch (e) {
    const error = e instanceof Error ? e.message : String(e)
    send(JSON.stringify({ id: r.id, error: error || 'the code threw nothing', stack: (e && e.stack) || '' }) + '\n')
  }
})
lines.on('close', () => process.exit(0))
