// The signature and the photos of a report, small enough for a bad line: files() gives [{ kind, type, buffer }].

import SignaturePad from "../vendor/signature_pad/signature_pad.min.js";
import { h, icon } from "./dom.js";

const LONGEST_PHOTO_SIDE = 1600;

/** A field to sign in: { node, isEmpty(), files() }. */
export function signatureField(words) {
  const canvas = h("canvas", { class: "signature", "aria-label": words.sign_here, role: "img" });
  const clear = h("button", { type: "button", class: "button ghost", onclick: () => pad.clear() }, words.clear);
  // White paper and black ink in both themes: it is printed on the slip.
  const pad = new SignaturePad(canvas, { penColor: "#111111", backgroundColor: "#ffffff", minWidth: 1, maxWidth: 3 });
  requestAnimationFrame(() => {
    const scale = Math.max(devicePixelRatio, 1);
    canvas.width = canvas.offsetWidth * scale;
    canvas.height = canvas.offsetHeight * scale;
    canvas.getContext("2d").scale(scale, scale);
    pad.clear();
  });
  return {
    isEmpty: () => pad.isEmpty(),
    files: async () => (pad.isEmpty() ? [] : [await asFile("signature", await toBlob(canvas, "image/png"))]),
    node: h("div", { class: "field" }, h("div", { class: "row apart" }, h("span", { class: "label" }, words.signature), clear), canvas),
  };
}

/** A field for photos: { node, files() }. */
export function photoField(words) {
  const taken = [];
  const shown = h("div", { class: "photos" });
  const input = h("input", {
    type: "file", accept: "image/*", capture: "environment", class: "visually-hidden", id: "photo",
    onchange: async () => {
      for (const file of input.files) await add(file);
      input.value = "";
    },
  });
  async function add(file) {
    const blob = await smaller(file);
    const address = URL.createObjectURL(blob);
    const one = { blob };
    taken.push(one);
    const tile = h("figure", {}, h("img", { src: address, alt: "" }),
      h("button", { type: "button", class: "button only-icon", "aria-label": words.remove, onclick: () => {
        taken.splice(taken.indexOf(one), 1);
        URL.revokeObjectURL(address);
        tile.remove();
      } }, icon("x")));
    shown.append(tile);
  }
  return {
    files: () => Promise.all(taken.map(({ blob }) => asFile("photo", blob))),
    node: h("div", { class: "field" }, h("span", { class: "label" }, words.photos),
      h("label", { class: "button big", for: "photo" }, icon("camera"), words.take_photo), input, shown),
  };
}

// A phone's 12 million pixels are 5 MB; 1600 a side are 300 kB and show a pallet as well. The turn is baked in.
async function smaller(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST_PHOTO_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = h("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await toBlob(canvas, "image/jpeg");
  } catch {
    return file; // the server makes it smaller
  }
}

function toBlob(canvas, type) {
  return new Promise((resolve) => canvas.toBlob(resolve, type, 0.8));
}

async function asFile(kind, blob) {
  return { kind, type: blob.type, buffer: await blob.arrayBuffer() };
}
