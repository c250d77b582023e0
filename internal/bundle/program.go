package bundle

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"os"
	"runtime"
)

// program is what the head of an executable file says about it.
type program struct {
	script   bool   // starts with "#!"
	os, arch string // Go's names; empty when not a program we can read
}

// readProgram reads the head of a file. A missing file is the zero program.
func readProgram(path string) program {
	f, err := os.Open(path)
	if err != nil {
		return program{}
	}
	defer f.Close()
	head := make([]byte, 4)
	if n, _ := f.ReadAt(head, 0); n < 2 {
		return program{}
	}
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		return program{script: true}
	case bytes.Equal(head, []byte(elf.ELFMAG)):
		return elfProgram(f)
	case bytes.HasPrefix(head, []byte("MZ")):
		return peProgram(f)
	}
	return machoProgram(f)
}

func elfProgram(f *os.File) program {
	e, err := elf.NewFile(f)
	if err != nil {
		return program{}
	}
	p := program{os: "linux", arch: e.Machine.String()}
	switch e.OSABI {
	case elf.ELFOSABI_FREEBSD:
		p.os = "freebsd"
	case elf.ELFOSABI_OPENBSD:
		p.os = "openbsd"
	case elf.ELFOSABI_NETBSD:
		p.os = "netbsd"
	}
	switch e.Machine {
	case elf.EM_X86_64:
		p.arch = "amd64"
	case elf.EM_AARCH64:
		p.arch = "arm64"
	case elf.EM_386:
		p.arch = "386"
	case elf.EM_ARM:
		p.arch = "arm"
	}
	return p
}

func peProgram(f *os.File) program {
	e, err := pe.NewFile(f)
	if err != nil {
		return program{}
	}
	switch e.Machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return program{os: "windows", arch: "amd64"}
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return program{os: "windows", arch: "arm64"}
	}
	return program{os: "windows", arch: "386"}
}

func machoProgram(f *os.File) program {
	if fat, err := macho.NewFatFile(f); err == nil {
		// A universal program holds several; any that fits will do.
		p := program{os: "darwin"}
		for _, a := range fat.Arches {
			if p.arch = machoArch(a.Cpu); p.arch == runtime.GOARCH {
				break
			}
		}
		return p
	}
	if m, err := macho.NewFile(f); err == nil {
		return program{os: "darwin", arch: machoArch(m.Cpu)}
	}
	return program{}
}

func machoArch(c macho.Cpu) string {
	switch c {
	case macho.CpuAmd64:
		return "amd64"
	case macho.CpuArm64:
		return "arm64"
	}
	return c.String()
}

// runsHere tells whether this machine can start p. Translators (Rosetta,
// qemu) are not counted on.
func (p program) runsHere() bool {
	if p.script {
		return runtime.GOOS != "windows"
	}
	return p.os == runtime.GOOS && p.arch == runtime.GOARCH
}

func (p program) known() bool { return p.script || p.os != "" }

func (p program) String() string {
	if p.script {
		return "a script"
	}
	return p.os + "/" + p.arch
}
