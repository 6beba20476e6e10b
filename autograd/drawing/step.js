
(() => {
const states = STATES
const root = [...document.querySelectorAll("#ROOT")].find(element => !element.dataset.ready)
if (!root) return
root.dataset.ready = "yes"
const one = selector => root.querySelector(selector)
const last = states.length - 1

// Made here, since no page without scripts, and no notebook that isn't trusted, should show buttons that do nothing.
one("style").insertAdjacentHTML("afterend", `<div class="controls">
<button type="button" data-go="first">first</button>
<button type="button" data-go="back" aria-label="one step back">◀</button>
<button type="button" data-go="on" aria-label="one step on">▶</button>
<button type="button" data-go="last">last</button>
<input type="range" min="0" max="${last}" value="0" aria-label="step">
<output></output>
</div>
<div class="caption" aria-live="polite"></div>`)
root.insertAdjacentHTML("beforeend", '<dialog aria-label="Arrays"><button type="button">close (Esc)</button><div></div></dialog>')

// The picture comes as an <img>, which also shows where scripts and inline SVG are forbidden; here it becomes a part of the page.
const image = one(".picture img")
const bytes = Uint8Array.from(atob(image.src.split(",")[1]), letter => letter.charCodeAt(0))
const parsed = new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml")
const svg = document.importNode(parsed.documentElement, true)
image.replaceWith(svg)
const part = id => id ? svg.querySelector(`[id="${svg.id}-${id}"]`) : null

// A slot is one gradient in a box: its ◀, and the numbers and cells behind it.
const gradient = element => element.getAttribute("fill") === "GRADIENT"
function slots(elements) {
  const found = []
  let open = false
  for (const element of elements) {
    const words = element.tagName === "text"
    if (words && gradient(element) && element.textContent.startsWith("◀")) {
      found.push({mark: element, words: element.textContent, room: element.getComputedTextLength(), parts: []})
      open = true
    } else if (words && !gradient(element) && element.textContent !== "⋯") open = false
    else if (open) found.at(-1).parts.push(element)
  }
  return found
}
const all = box => box.querySelectorAll("text, polygon, path")
const boxes = new Map([...svg.querySelectorAll("g.node")].map(box => [box, slots(all(box))]))
const weights = slots([...all(svg)].filter(element => element.parentNode.matches(".graph"))).filter(slot => slot.words === "◀")
const edges = [...svg.querySelectorAll("g.edge")]
const contribution = edge => [...edge.querySelectorAll("text")].filter(gradient)

function show(slot, words) {  // null: nothing has arrived; "": the finished gradient; else what it is so far
  const {mark, room} = slot
  mark.textContent = words === "" ? slot.words : "◀\u00a0" + (words ?? "–")
  mark.removeAttribute("textLength")
  if (!slot.parts.length && mark.getComputedTextLength() > room) {  // the box was made for the finished gradient
    mark.setAttribute("textLength", room)
    mark.setAttribute("lengthAdjust", "spacingAndGlyphs")
  }
  for (const element of slot.parts) element.classList.toggle("waiting", words !== "")
}

// A row of the panel of shared weights: cells, "‖0.9‖ = sum of 3 uses", then a strip with a cell for each use.
for (const slot of weights) {
  slot.note = slot.parts.find(element => /sum of|≠/.test(element.textContent))
  slot.said = slot.note?.textContent
  slot.uses = slot.parts.slice(slot.parts.indexOf(slot.note) + 1)
    .filter(element => element.tagName === "polygon" && element.getAttribute("fill") !== "none")
}
function showSum(slot, words, arrived) {  // the same, and which uses have arrived
  show(slot, words && slot.note ? null : words)
  if (!slot.note) return
  if (words) slot.mark.textContent = slot.words
  slot.note.textContent = words || slot.said
  slot.note.classList.toggle("waiting", words === null)
  for (const use of arrived) slot.uses[use]?.classList.remove("waiting")
}

const slider = one("input"), caption = one(".caption"), words = [...root.querySelectorAll("li")]
let token = null, known = new Map()  // what has arrived: in a row of a box, or of a shared weight
function go(step) {
  step = Math.max(0, Math.min(last, step))
  for (const found of boxes.values()) for (const slot of found) show(slot, step === last ? "" : null)
  for (const slot of weights) showSum(slot, step === last ? "" : null, [])
  for (const edge of edges) {
    edge.classList.remove("done", "active")
    for (const text of contribution(edge)) text.classList.toggle("waiting", step < last)
  }
  for (const box of boxes.keys()) box.classList.remove("receiving")
  token?.remove()
  known = new Map()
  for (const [edge, box, row, shows, panel] of states.slice(0, step + 1)) {
    const group = part(edge), slot = boxes.get(part(box))?.[row]
    if (slot && step < last) show(slot, shows ?? "")
    if (box) known.set(`${box}/${row}`, shows ?? "")
    for (const [i, sum] of panel) known.set(`weight/${i}`, sum ?? "")
    if (step < last) for (const [i, sum, arrived] of panel) if (weights[i]) showSum(weights[i], sum ?? "", arrived)
    if (!group) continue
    group.classList.add("done")
    for (const text of contribution(group)) text.classList.remove("waiting")
  }
  const [edge, box] = states[step]
  const group = part(edge), line = group?.querySelector("path"), receiver = part(box)
  if (receiver) receiver.classList.add("receiving")
  if (line) {
    group.classList.replace("done", "active")
    const middle = line.getTotalLength() / 2
    const [a, b, c] = [middle + 1, middle, middle - 1].map(at => line.getPointAtLength(at))
    const turn = Math.atan2(c.y - a.y, c.x - a.x) * 180 / Math.PI
    token = document.createElementNS(svg.namespaceURI, "polygon")
    token.setAttribute("points", "9,0 -6,-7 -6,7")
    token.setAttribute("transform", `translate(${b.x} ${b.y}) rotate(${turn})`)
    token.setAttribute("class", "token")
    group.append(token)
  }
  const frame = one(".picture"), seen = (receiver || group)?.getBoundingClientRect(), view = frame.getBoundingClientRect()
  if (seen && (seen.left < view.left || seen.right > view.right)) frame.scrollLeft += seen.left - view.left - view.width / 2
  caption.innerHTML = words[step].innerHTML
  slider.value = step
  slider.setAttribute("aria-valuetext", caption.textContent)
  one("output").textContent = `step ${step} of ${last}`
}

// A box opens its arrays: as far as they are known at this step.
const dialog = one("dialog"), opens = new Map()
for (const section of root.querySelectorAll("section")) {
  for (const box of section.dataset.boxes.split(" ").map(part).filter(Boolean)) opens.set(box, section)
  const mark = weights[section.dataset.weight]?.mark
  if (!mark) continue
  opens.set(mark, section)
  mark.setAttribute("tabindex", "0")
  mark.setAttribute("aria-label", `arrays of ${section.querySelector("h3").firstChild.textContent}`)
}
function open(box) {
  const {boxes, weight} = opens.get(box).dataset, copy = opens.get(box).cloneNode(true)
  for (const gradient of copy.querySelectorAll("[data-row]")) {
    const keys = weight ? [`weight/${weight}`] : boxes.split(" ").map(id => `${id}/${gradient.dataset.row}`)
    const words = Number(slider.value) === last ? "" : keys.map(key => known.get(key)).find(found => found !== undefined)
    if (words !== "") gradient.textContent = `◀ ${words ? `so far ${words}` : "nothing has arrived"}, at this step.`
  }
  dialog.querySelector("div").replaceChildren(copy)
  dialog.showModal()
}
for (const box of opens.keys()) {
  box.classList.add("opens")
  box.setAttribute("role", "button")
  box.setAttribute("aria-haspopup", "dialog")
  box.addEventListener("click", () => open(box))
}
dialog.querySelector("button").onclick = () => dialog.close()
dialog.addEventListener("click", event => event.target === dialog && dialog.close())  // beside it

const moves = {first: () => 0, back: step => step - 1, on: step => step + 1, last: () => last}
const keys = {Home: "first", ArrowLeft: "back", ArrowUp: "back", ArrowRight: "on", ArrowDown: "on", End: "last"}
const move = name => go(moves[name](Number(slider.value)))
for (const button of root.querySelectorAll("[data-go]")) button.onclick = () => move(button.dataset.go)
slider.oninput = () => go(Number(slider.value))
addEventListener("keydown", event => {
  // on a page of its own → and ← work at once, while the others scroll until something here has the focus
  const alone = root.parentElement === document.body && event.target === document.body
  const ours = root.contains(event.target) || alone && ["ArrowLeft", "ArrowRight"].includes(event.key)
  if (!ours || event.ctrlKey || event.altKey || event.metaKey) return
  if (dialog.open) return event.stopPropagation()  // the keys are the dialog's, not a notebook's
  const opening = opens.has(event.target) && (event.key === "Enter" || event.key === " ")
  if (!opening && !(event.key in keys)) return
  event.preventDefault()  // the slider would take the step a second time
  event.stopPropagation()
  if (opening) open(event.target)
  else move(keys[event.key])
}, true)  // on the window and first: Notebook 7 listens on the document, to go to another cell
go(0)
})()
