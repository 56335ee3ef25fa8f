// Reads [[package, object], …] from standard input; prints what the schemas say against them, as a JSON list.
const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const found = []
for (const [name, object] of JSON.parse(Buffer.concat(chunks))) {
  const module = await import(`@kubernetes-models/${name}/${object.apiVersion}/${object.kind}`)
  try {
    new module[object.kind](object).validate()
  } catch (error) {
    found.push(`${object.kind}: ${error.message}`)
  }
}
console.log(JSON.stringify(found))
